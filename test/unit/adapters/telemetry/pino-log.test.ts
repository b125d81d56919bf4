import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { createLog } from "../../../../src/adapters/telemetry/pino-log.ts";
import { MusterError } from "../../../../src/domain/errors.ts";

function logged(error: Error): { readonly message: string; readonly code?: string; readonly stack?: string } {
  const lines: string[] = [];
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString());
      done();
    },
  });
  createLog({ level: "info", format: "json", stream }).warn({ error }, "it did not work");
  return (JSON.parse(lines.join("")) as { error: ReturnType<typeof logged> }).error;
}

test("DESIGN-3.3 a foreseen failure is one line of the log, an unforeseen one comes with its stack", () => {
  const unreachable = new MusterError("upstream-failed", "cannot reach the mirror");
  assert.deepEqual(logged(unreachable), {
    type: "MusterError",
    code: "upstream-failed",
    message: "cannot reach the mirror",
  });
  assert.match(logged(new TypeError("not a function")).stack ?? "", /TypeError: not a function\n/);
  const wrapped = new MusterError("unavailable", "it failed", { cause: new TypeError("not a function") });
  assert.match(logged(wrapped).stack ?? "", /not a function/);
});
