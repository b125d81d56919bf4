/** The installer's own report scripts against the boot plane by HTTP: reports and answers lost, power lost, the appliance restarted. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { openSqliteStore } from "../../src/adapters/store/sqlite-store.ts";
import { shellAssignments } from "../../src/domain/install/shell.ts";
import { machineSpecSchema } from "../../src/domain/machine-spec.ts";
import { createBootScripts } from "../../src/services/install/boot-script.ts";
import type { Store } from "../../src/services/store.ts";
import { startCoreOver } from "../support/appliance-core.ts";
import { BootPlane } from "../support/boot-plane.ts";
import { APPLIANCE, shippedTemplates } from "../support/install-plans.ts";
import { LosingProxy, type Loss } from "../support/losing-proxy.ts";
import { LIMITS } from "../support/machines.ts";
import { needsPrograms } from "../support/netns.ts";

const SCRIPTS = path.join(import.meta.dirname, "../../preseed/scripts");
const MAC = "52:54:00:12:34:01";
const STAGES = ["installer-started", "partitioning", "base-system", "packages", "bootloader"] as const;
const FINISHED = JSON.stringify({
  report: "finished",
  marker: "0123456789abcdef",
  disks: [{ path: "/dev/vda", sizeBytes: 8_000_000_000 }],
});
const INSTALLER = {
  kernelPath: "/boot/files/debian-13/amd64/v1/linux",
  initrdPath: "/boot/files/debian-13/amd64/v1/initrd.gz",
  version: "v1",
  kernelVersion: "6.12",
};

/** An appliance on a file of its own that can be stopped and started anew, and a machine that boots from it. */
class Rack {
  readonly directory = mkdtempSync(path.join(tmpdir(), "muster-lost-"));
  readonly proxy: LosingProxy;
  #core: Awaited<ReturnType<typeof startCoreOver<Store>>> | undefined;
  #plane: BootPlane | undefined;
  installs = 0;
  /** Where the last installer reports to. */
  reportUrl = "";

  private constructor(proxy: LosingProxy) {
    this.proxy = proxy;
    mkdirSync(path.join(this.directory, "bin"));
    this.#program("sleep", "exec /bin/sleep 0.02");
    this.#program("logger", "exit 0");
  }

  static async create(t: TestContext): Promise<Rack> {
    const rack = new Rack(await LosingProxy.open("http://127.0.0.1:9"));
    t.after(() => rack.close());
    await rack.start();
    await rack.core.registry.register({ name: "kube0", spec: machineSpecSchema.parse({ mac: MAC }) }, "test");
    return rack;
  }

  get core() {
    return this.#core ?? assert.fail("the appliance does not run");
  }

  get machine() {
    return this.core.registry.byName("kube0") ?? assert.fail("the machine is gone");
  }

  async start(): Promise<void> {
    const store: Store = openSqliteStore({ file: path.join(this.directory, "muster.db") });
    this.#core = await startCoreOver(store);
    const { registry, tickets, events, clock, reports } = this.#core;
    const templates = shippedTemplates();
    const assets = {
      status: () => ({ kind: "ready" }) as const,
      ensure: () => undefined,
      installer: () => INSTALLER,
    };
    const scripting = { registry, tickets, events, clock, templates, assets, limits: LIMITS };
    const scripts = createBootScripts({ ...scripting, appliance: () => APPLIANCE });
    this.#plane = await BootPlane.open({ parts: { scripts, reports } });
    this.proxy.lead(this.#plane.url);
  }

  /** The appliance stops and starts again over the same file. */
  async restart(): Promise<void> {
    await this.#stop();
    await this.start();
  }

  /** One power-on: what the firmware is told; an installer runs until it restarts or `powerLostAfter` so many of its steps. */
  async boot(powerLostAfter: number = STAGES.length + 1): Promise<"installer" | "disk"> {
    const answer = await fetch(`${this.proxy.url}/boot/${MAC.replaceAll(":", "-")}.ipxe`);
    const script = await answer.text();
    const ticket = /\/install\/(mti_[\w-]+)\/preseed\.cfg/.exec(script)?.[1];
    if (ticket === undefined) {
      assert.match(script, /sanboot|exit/, script);
      return "disk";
    }
    this.installs += 1;
    await this.#install(ticket, powerLostAfter);
    return "installer";
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.#stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #stop(): Promise<void> {
    await this.#plane?.close();
    await this.#core?.stop();
    await this.#core?.store.close();
    this.#core = undefined;
  }

  /** The shipped scripts in a directory as the preseed file lays it out, with the steps of the installer between them left out. */
  async #install(ticket: string, steps: number): Promise<void> {
    const muster = path.join(this.directory, "installer");
    rmSync(muster, { recursive: true, force: true });
    cpSync(SCRIPTS, muster, { recursive: true });
    this.reportUrl = `${this.proxy.url}/install/${ticket}/report`;
    const settings = { MACHINE: "kube0", GENERATION: 1, BASE_URL: `${this.proxy.url}/install/${ticket}` };
    writeFileSync(path.join(muster, "settings.sh"), shellAssignments(settings));
    writeFileSync(path.join(muster, "report.finished"), FINISHED);
    const reports = STAGES.slice(0, steps).map((stage) => `stage ${stage}`);
    const finish = steps > STAGES.length ? [`exec sh ${muster}/finish.sh`] : [];
    const commands = ["set -eu", `. ${muster}/lib.sh`, ...reports, ...finish].join("\n");
    const env = {
      ...process.env,
      MUSTER: muster,
      PATH: `${this.directory}/bin:${process.env["PATH"] ?? ""}`,
    };
    const shell = spawn("sh", ["-c", commands], { env, stdio: ["ignore", "ignore", "inherit"] });
    const [code] = (await once(shell, "close")) as [number];
    assert.equal(code, 0);
  }

  #program(name: string, line: string): void {
    const file = path.join(this.directory, "bin", name);
    writeFileSync(file, `#!/bin/sh\n${line}\n`);
    chmodSync(file, 0o755);
  }
}

/** The installed system reports, and later power-ons start it from its disk. */
async function installedOnce(rack: Rack): Promise<void> {
  assert.equal(rack.machine.installFinished, true);
  const { core } = rack;
  await core.nodeReports.accept({ machine: "kube0", generation: 1 }, { event: "installed" }, {});
  for (let boot = 0; boot < 3; boot++) assert.equal(await rack.boot(), "disk");
  assert.deepEqual([rack.machine.state, rack.machine.generation], ["installed", 1]);
}

for (const loss of ["question", "answer"] as const satisfies readonly Loss[]) {
  test(`DESIGN-3.6 every report of an installer is lost in turn (its ${loss}): installed once, in one attempt`, async (t) => {
    if (needsPrograms(t, "wget")) return;
    for (let report = 0; report <= STAGES.length; report++) {
      const rack = await Rack.create(t);
      rack.proxy.losses.set(report, loss);
      assert.equal(await rack.boot(), "installer");
      assert.equal(rack.proxy.posts, STAGES.length + 2, "the lost one came again");
      assert.equal(rack.machine.installAttempts, 1);
      await installedOnce(rack);
      assert.equal(rack.installs, 1);
    }
  });
}

test("DESIGN-3.6 an installer loses its power after every step, the appliance restarts meanwhile: installed by the second one", async (t) => {
  if (needsPrograms(t, "wget")) return;
  for (let steps = 0; steps <= STAGES.length; steps++) {
    const rack = await Rack.create(t);
    assert.equal(await rack.boot(steps), "installer");
    assert.equal(rack.machine.installFinished, false, `after ${steps} steps`);
    await rack.restart();
    assert.equal(await rack.boot(), "installer", `after ${steps} steps`);
    await installedOnce(rack);
    // An installer that was never heard is the same attempt when it is handed out again.
    assert.deepEqual([rack.installs, rack.machine.installAttempts], [2, steps === 0 ? 1 : 2]);
  }
});

test("DESIGN-3.6 the answer to the last report is lost together with the power: the disk boots, nothing is installed again", async (t) => {
  if (needsPrograms(t, "wget")) return;
  const rack = await Rack.create(t);
  await rack.boot(STAGES.length);
  rack.proxy.losses.set(rack.proxy.posts, "answer");
  const headers = { "Content-Type": "application/json" };
  await assert.rejects(fetch(rack.reportUrl, { method: "POST", headers, body: FINISHED }));
  await rack.restart();
  assert.equal(await rack.boot(), "disk");
  await installedOnce(rack);
  assert.equal(rack.installs, 1);
});
