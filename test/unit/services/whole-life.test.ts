import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { openSqliteStore } from "../../../src/adapters/store/sqlite-store.ts";
import { decideBoot } from "../../../src/domain/boot-decision.ts";
import type { Store } from "../../../src/services/store.ts";
import { startCoreOver } from "../../support/appliance-core.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { aMachine, LIMITS } from "../../support/machines.ts";
import { MemoryStore } from "../../support/memory-store.ts";

const directory = mkdtempSync(path.join(tmpdir(), "muster-life-"));
after(() => {
  rmSync(directory, { recursive: true });
});

type Core = Awaited<ReturnType<typeof startCoreOver<Store>>>;

/** What happens during one boot: the power goes after so many steps, and this step's acknowledgement is lost. */
interface Fault {
  readonly powerLostAfter: number;
  readonly acknowledgementLostAt: number;
  readonly applianceRestarts: boolean;
}

const STEPS = [
  "installer-started",
  "partitioning",
  "base-system",
  "packages",
  "bootloader",
  "finished",
] as const;
const FINISHED = {
  report: "finished",
  disks: [{ path: "/dev/vda", sizeBytes: 8_000_000_000 }],
  marker: "0123456789abcdef",
};

/** A machine whose firmware always tries the network first. */
class VirtualMachine {
  /** What its disk holds: generation of the installed system, 0 for none. */
  disk = 0;
  installerRuns = 0;
  /** Whether an installer ever overwrote a disk whose system had already reported. */
  overwritten = false;
  #reported = false;

  /** One power-on until it rests, or its power goes. */
  async boot(core: Core, fault?: Fault): Promise<void> {
    const machine = core.registry.byName("kube0")!;
    const decision = decideBoot({ machine, assets: { kind: "ready" }, limits: LIMITS });
    const outcome = decision.event ? await core.registry.apply("kube0", decision.event, "http") : undefined;
    if (decision.kind === "install" && outcome?.ok)
      await this.#install(core, await core.tickets.issue(outcome.machine), fault);
    else if (decision.kind === "local") await this.#start(core);
  }

  async #install(core: Core, ticket: string, fault?: Fault): Promise<void> {
    this.installerRuns++;
    if (!(await core.tickets.resolve(ticket, { for: "fetch" })).ok) return;
    for (const [index, stage] of STEPS.entries()) {
      if (fault && index >= fault.powerLostAfter) return;
      if (stage === "partitioning") {
        this.overwritten ||= this.#reported;
        this.disk = 0;
        this.#reported = false;
      }
      if (stage === "finished") this.disk = core.registry.byName("kube0")!.generation;
      const body = stage === "finished" ? FINISHED : { report: "stage", stage };
      await core.reports.accept(ticket, body, {});
      if (fault?.acknowledgementLostAt === index) {
        const again = await core.reports.accept(ticket, body, {});
        assert.equal(again.kind, "acknowledged", `${stage}, again`);
      }
    }
  }

  async #start(core: Core): Promise<void> {
    if (this.disk === 0) return;
    const outcome = await core.nodeReports.accept(
      { machine: "kube0", generation: this.disk },
      { event: "installed" },
      {},
    );
    assert.equal(outcome.kind, "acknowledged");
    this.#reported = true;
  }
}

const anyFault: fc.Arbitrary<Fault> = fc.record({
  powerLostAfter: fc.integer({ min: 0, max: STEPS.length }),
  acknowledgementLostAt: fc.integer({ min: 0, max: STEPS.length - 1 }),
  applianceRestarts: fc.boolean(),
});

test("DESIGN-3.6 property: power lost at every stage, acknowledgements lost, appliance restarted: installed, and never again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyFault, { maxLength: 2 }), async (faults) => {
      const store = new MemoryStore();
      const clock = new FakeClock();
      let core: Core = await startCoreOver<Store>(store, { machines: [aMachine()], clock });
      const machine = new VirtualMachine();
      for (const fault of faults) {
        await machine.boot(core, fault);
        if (!fault.applianceRestarts) continue;
        await core.stop();
        core = await startCoreOver<Store>(store, { clock });
      }
      for (let boot = 0; boot < 4; boot++) await machine.boot(core);
      assert.equal(core.registry.byName("kube0")?.state, "installed");
      assert.equal(core.registry.byName("kube0")?.generation, 1);
      assert.ok(machine.installerRuns <= faults.length + 1);
      assert.equal(machine.overwritten, false);
      const runs = machine.installerRuns;
      for (let boot = 0; boot < 10; boot++) await machine.boot(core);
      assert.equal(machine.installerRuns, runs, "it boots its disk from now on");
      await core.stop();
    }),
    { numRuns: 150 },
  );
});

test("DESIGN-3.6 a machine whose power goes at every attempt ends failed, not in a loop", async () => {
  const core = await startCoreOver<Store>(new MemoryStore(), { machines: [aMachine()] });
  const machine = new VirtualMachine();
  for (let boot = 0; boot < 20; boot++) {
    await machine.boot(core, { powerLostAfter: 2, acknowledgementLostAt: 9, applianceRestarts: false });
  }
  assert.equal(machine.installerRuns, LIMITS.installAttempts);
  assert.equal(core.registry.byName("kube0")?.state, "failed");
  await core.registry.retry("kube0", "cli");
  await machine.boot(core);
  await machine.boot(core);
  assert.equal(core.registry.byName("kube0")?.state, "installed");
});

test("DESIGN-5.5 a life over SQLite, the file opened anew at every step: installed, reimaged, installed in generation 2", async () => {
  const file = path.join(directory, "muster.db");
  const clock = new FakeClock();
  const machine = new VirtualMachine();
  const step = async (work: (core: Core) => Promise<unknown>): Promise<void> => {
    const store = openSqliteStore({ file });
    const core = await startCoreOver<Store>(store, { clock });
    await work(core);
    await core.stop();
    await store.close();
  };
  await step((core) => core.registry.register({ name: "kube0", spec: aMachine().spec }, "cli"));
  await step((core) =>
    machine.boot(core, { powerLostAfter: 3, acknowledgementLostAt: 1, applianceRestarts: true }),
  );
  await step((core) => machine.boot(core));
  await step((core) => machine.boot(core));
  await step((core) => core.reimage.reimage("kube0", {}, "cli"));
  await step((core) => machine.boot(core));
  await step((core) => machine.boot(core));
  await step(async (core) => {
    const { state, generation, installAttempts } = core.registry.byName("kube0")!;
    assert.deepEqual([state, generation, installAttempts, machine.installerRuns], ["installed", 2, 1, 3]);
    const types = (await core.timeline("kube0")).map(({ type }) => type);
    const moves = types.filter((type) =>
      ["registered", "installer-booted", "install-finished", "node-reported", "reimage-requested"].includes(
        type,
      ),
    );
    assert.deepEqual(moves, [
      "registered",
      "installer-booted",
      "installer-booted",
      "install-finished",
      "node-reported",
      "reimage-requested",
      "installer-booted",
      "install-finished",
      "node-reported",
    ]);
  });
});
