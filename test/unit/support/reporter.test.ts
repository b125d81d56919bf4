import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import report, { type TestEvent } from "../../support/reporter.ts";

const FILE = `${process.cwd()}/test/some.test.ts`;

async function output(...events: readonly TestEvent[]): Promise<string> {
  const saved = process.env["TEST_TOTALS"];
  delete process.env["TEST_TOTALS"];
  try {
    let text = "";
    for await (const part of report(Readable.from(events))) text += part;
    return text;
  } finally {
    if (saved !== undefined) process.env["TEST_TOTALS"] = saved;
  }
}

function event(type: "test:pass" | "test:fail", data: Partial<TestEvent["data"]> = {}): TestEvent {
  return { type, data: { name: "a test", file: FILE, nesting: 0, details: { duration_ms: 500 }, ...data } };
}

test("a run ends with one line of counts after every skip's reason", async () => {
  const skipped = event("test:pass", { name: "needs a rack", skip: "needs root: opens port 67" });
  const text = await output(event("test:pass"), skipped);
  assert.equal(
    text,
    [
      "✔ test/some.test.ts (1 passed, 1 skipped, 1.00 s)",
      "skipped: needs a rack: needs root: opens port 67",
      "1 passed, 0 failed, 1 skipped",
      "",
    ].join("\n"),
  );
});

test("a failure is shown with its test, its file and its cause", async () => {
  const error = new Error("wrapper", { cause: new Error("5 is not 6") });
  const text = await output(event("test:fail", { details: { error } }));
  assert.match(text, /FAILED test\/some\.test\.ts › a test\n {2}Error: 5 is not 6/);
  assert.match(text, /0 passed, 1 failed, 0 skipped\n$/);
});

test("suites are not counted, nor a parent that failed through its children alone", async () => {
  const parent = Object.assign(new Error("1 subtest failed"), { failureType: "subtestsFailed" });
  const text = await output(
    event("test:fail", { name: "child", nesting: 1 }),
    event("test:fail", { name: "parent", details: { error: parent } }),
    event("test:pass", { name: "suite", details: { type: "suite" } }),
  );
  assert.match(text, /0 passed, 1 failed, 0 skipped\n$/);
});

test("a test that is still to be done counts as skipped, whatever it does", async () => {
  const text = await output(event("test:fail", { todo: true }));
  assert.match(text, /0 passed, 0 failed, 1 skipped\n$/);
});
