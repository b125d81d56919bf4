import assert from "node:assert/strict";
import { test } from "node:test";
import { type MusterError, NotFoundError, TransitionError } from "../../../src/domain/errors.ts";
import type { Machine } from "../../../src/domain/machine.ts";
import type { ReimageGuard } from "../../../src/services/reimage.ts";
import { startCore } from "../../support/appliance-core.ts";
import { aMachine, anInstalledMachine } from "../../support/machines.ts";

function guard(overridable: boolean, objection: string | undefined): ReimageGuard & { asked: number } {
  return {
    name: "quorum",
    overridable,
    asked: 0,
    check() {
      this.asked++;
      return Promise.resolve(objection);
    },
  };
}

test("DESIGN-3.6 a reimage makes an installed machine registered in its next generation", async () => {
  const { reimage, timeline } = await startCore({ machines: [anInstalledMachine()] });
  const machine = await reimage.reimage("kube0", {}, "api:ci");
  assert.deepEqual([machine.state, machine.generation], ["registered", 2]);
  const [entry] = await timeline("kube0");
  assert.deepEqual([entry?.type, entry?.source], ["reimage-requested", "api:ci"]);
});

const REFUSED: readonly (readonly [string, Partial<Machine>, RegExp])[] = [
  ["discovered", { state: "discovered" }, /not possible in state discovered/],
  ["registered", { state: "registered" }, /not possible in state registered/],
  ["installing", { state: "installing" }, /not possible in state installing/],
  ["retired", { state: "retired" }, /not possible in state retired/],
  ["before its first boot", { state: "installing", installFinished: true }, /first boot is awaited/],
  [
    "failed while installing",
    { state: "failed", failure: { cause: "reported", reason: "r", from: "installing", at: 1 } },
    /retry it instead/,
  ],
  ["held", { state: "installed", held: "restored" }, /confirm it first/],
];

for (const [what, fields, reason] of REFUSED) {
  test(`DESIGN-3.6 a machine that is ${what} is not reimaged, guards are not asked, the attempt is recorded`, async () => {
    const quorum = guard(false, undefined);
    const { reimage, timeline } = await startCore({ machines: [aMachine(fields)], guards: [quorum] });
    await assert.rejects(reimage.reimage("kube0", {}, "cli"), (error) => {
      assert.ok(error instanceof TransitionError);
      assert.match(error.message, reason);
      return true;
    });
    assert.equal(quorum.asked, 0);
    assert.deepEqual(
      (await timeline("kube0")).map(({ type }) => type),
      ["refused"],
    );
  });
}

test("DESIGN-3.6 a guard's objection stops a reimage; only an overridable one yields to force", async () => {
  for (const [overridable, force, allowed] of [
    [false, false, false],
    [false, true, false],
    [true, false, false],
    [true, true, true],
  ] as const) {
    const { reimage, registry } = await startCore({
      machines: [anInstalledMachine()],
      guards: [guard(overridable, "etcd would lose its quorum")],
    });
    const attempt = reimage.reimage("kube0", { force }, "cli");
    if (allowed) await attempt;
    else
      await assert.rejects(
        attempt,
        (error: MusterError) => error.code === "refused" && /quorum/.test(error.message),
      );
    assert.equal(registry.byName("kube0")?.state, allowed ? "registered" : "installed");
  }
});

test("DESIGN-3.6 a machine that moved while the guards were thinking is not reimaged", async () => {
  const core = await startCore({
    machines: [anInstalledMachine()],
    guards: [
      {
        name: "slow",
        overridable: false,
        check: async () => {
          await core.registry.retire("kube0", "cli");
          return undefined;
        },
      },
    ],
  });
  await assert.rejects(core.reimage.reimage("kube0", {}, "cli"), TransitionError);
  assert.equal(core.registry.byName("kube0")?.state, "retired");
});

test("DESIGN-3.6 with force a machine is reimaged whose first boot never came", async () => {
  const { reimage } = await startCore({
    machines: [aMachine({ state: "installing", generation: 1, installFinished: true })],
  });
  assert.equal((await reimage.reimage("kube0", { force: true }, "cli")).generation, 2);
});

test("DESIGN-3.4 a machine that does not exist is not found", async () => {
  const { reimage } = await startCore();
  await assert.rejects(reimage.reimage("nobody", {}, "cli"), NotFoundError);
});
