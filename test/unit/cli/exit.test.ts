import assert from "node:assert/strict";
import { test } from "node:test";
import { EXIT, exitCodeOf, failureLines, Interrupted, UsageError } from "../../../src/cli/exit.ts";
import { ConflictError } from "../../../src/domain/errors.ts";

/** What a wait throws that the user's signal ended. */
function abortedWait(): unknown {
  try {
    AbortSignal.abort().throwIfAborted();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("an interruption is no failure: nothing is said of it, and the exit code is 130", () => {
  for (const error of [new Interrupted("interrupted"), abortedWait()]) {
    assert.deepEqual(failureLines(error), []);
    assert.equal(exitCodeOf(error), EXIT.interrupted);
  }
});

test("a failure is one line with what is wrong; what nobody foresaw comes with its stack", () => {
  assert.deepEqual(failureLines(new ConflictError("port 67 is taken")), ["muster: port 67 is taken"]);
  assert.equal(exitCodeOf(new ConflictError("port 67 is taken")), EXIT.failed);
  assert.equal(exitCodeOf(new UsageError("say which")), EXIT.usage);
  assert.match(
    failureLines(new RangeError("out of bounds")).join(),
    /^muster: RangeError: out of bounds\n +at /,
  );
});
