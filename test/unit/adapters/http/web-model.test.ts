import assert from "node:assert/strict";
import { test } from "node:test";
import { progressOf } from "../../../../src/adapters/http/machine-view.ts";
import { failureWords, stateWords, toneOf } from "../../../../src/adapters/http/machine-words.ts";
import { mergePatch } from "../../../../src/adapters/http/merge-patch.ts";
import { actionsFor, tileOf } from "../../../../src/adapters/http/web-model.ts";
import { INSTALL_STAGES, LIFECYCLE_STATES, type Machine } from "../../../../src/domain/machine.ts";
import { aMachine, anInstalledMachine } from "../../../support/machines.ts";

const verbs = (machine: Machine) => actionsFor(machine).map(({ verb }) => verb);
const failed = (fields: Partial<Machine["failure"] & object> = {}) =>
  aMachine({
    state: "failed",
    failure: { reason: "no disk", cause: "reported", from: "installing", at: 1, ...fields },
  });

test("progress never goes back while an installation goes on, and ends at 100", () => {
  const stages = ["installer-loading", ...INSTALL_STAGES.slice(0, -1)];
  const during = stages.map((stage) => progressOf(aMachine({ state: "installing", stage })));
  const finished = progressOf(aMachine({ state: "installing", stage: "first-boot", installFinished: true }));
  const all = [progressOf(aMachine()), ...during, finished, progressOf(anInstalledMachine())];
  assert.deepEqual(
    all,
    [...all].sort((a, b) => a - b),
  );
  assert.equal(new Set(all).size, all.length);
  assert.deepEqual([all[0], all.at(-1)], [0, 100]);
  assert.equal(progressOf(anInstalledMachine({ state: "registered" })), 0, "a reimage begins anew");
});

test("every state has words and a colour; a held machine asks for a person", () => {
  for (const state of LIFECYCLE_STATES) assert.ok(stateWords(state).length > 3, state);
  assert.equal(toneOf(anInstalledMachine()), "good");
  assert.equal(toneOf(anInstalledMachine({ held: "restored" })), "asks");
});

test("the buttons are those that the state allows", () => {
  assert.deepEqual(verbs(aMachine({ state: "discovered" })), ["approve", "retire"]);
  assert.deepEqual(verbs(aMachine()), ["boot", "retire"]);
  assert.deepEqual(verbs(aMachine({ state: "installing", held: "x" })), ["confirm", "boot", "retire"]);
  assert.deepEqual(verbs(failed()), ["retry", "retire"]);
  assert.deepEqual(verbs(anInstalledMachine()), ["reimage", "retire"]);
  assert.deepEqual(verbs({ ...failed({ from: "installing" }), installFinished: true }), [
    "reimage",
    "retire",
  ]);
  assert.deepEqual(verbs(aMachine({ state: "retired" })), []);
  const override = actionsFor(aMachine({ bootOverride: "local" }))[0];
  assert.deepEqual([override?.verb, override?.fields], ["boot", { target: "" }]);
});

test("what destroys or ends something is marked so", () => {
  const dangerous = actionsFor(anInstalledMachine()).filter((button) => button.dangerous);
  assert.deepEqual(
    dangerous.map(({ verb }) => verb),
    ["reimage", "retire"],
  );
});

test("a failure is told with its stage and with what to do next", () => {
  assert.deepEqual(failureWords(failed({ stage: "partitioning" })), {
    what: "no disk, while preparing the disk",
    advice: "Fix what it names, then retry.",
  });
  assert.match(
    failureWords(failed({ cause: "silence" }))?.advice ?? "",
    /goes on by itself as soon as it reports/,
  );
  assert.match(failureWords(failed({ cause: "attempts" }))?.advice ?? "", /retry/);
  const later = { ...failed({ cause: "silence", from: "installed" }), installFinished: true };
  assert.doesNotMatch(
    failureWords(later)?.advice ?? "",
    /retry/,
    "a machine that ran is never told to reinstall",
  );
  assert.equal(failureWords(aMachine()), undefined);
});

test("a tile prefers the reserved address and shows a stage only while installing", () => {
  const seen = { at: 1, mac: aMachine().spec.mac, address: "10.0.0.77" };
  assert.equal(tileOf(aMachine({ seen }), undefined).address, "10.0.0.77");
  assert.equal(tileOf(aMachine({ seen, spec: { address: "10.0.0.5" } }), undefined).address, "10.0.0.5");
  assert.equal(
    tileOf(aMachine({ state: "installing", stage: "packages" }), undefined).stage,
    "installing packages",
  );
  assert.equal(tileOf(anInstalledMachine({ stage: "packages" }), undefined).stage, "");
});

test("a merge patch follows the examples of RFC 7396", () => {
  const examples: readonly (readonly [unknown, unknown, unknown])[] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of examples) assert.deepEqual(mergePatch(target, patch), result);
});
