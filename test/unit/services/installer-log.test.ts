import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "../../../src/domain/machine.ts";
import { InstallerLog } from "../../../src/services/installer-log.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { KeptLog } from "../../support/kept-log.ts";
import { aMachine } from "../../support/machines.ts";
import { MemoryStore } from "../../support/memory-store.ts";

async function setUp(machine: Machine | undefined, keep?: number) {
  const store = new MemoryStore();
  const clock = new FakeClock();
  const installerLog = new InstallerLog({
    store: store.installerLog,
    clock,
    timers: clock,
    log: new KeptLog(),
    machineAt: (address) => (address === "10.0.0.5" ? machine : undefined),
    ...(keep === undefined ? {} : { keep }),
  });
  await installerLog.start();
  return { store, clock, installerLog };
}

const INSTALLING = aMachine({ state: "installing", generation: 2 });

test("DESIGN-3.6 a syslog line is kept for the machine at its address, live and later, and moves nothing", async () => {
  const { installerLog, clock } = await setUp(INSTALLING);
  const heard: string[] = [];
  installerLog.subscribe(({ text }) => heard.push(text));
  installerLog.noteSyslog({ address: "10.0.0.5", program: "debootstrap", text: "unpacking base-files" });
  installerLog.noteSyslog({ address: "10.0.0.6", program: "debootstrap", text: "from a stranger" });
  assert.deepEqual(heard, ["unpacking base-files"]);
  assert.deepEqual(await installerLog.list({ machine: "kube0", limit: 9 }), [
    {
      id: 1,
      machine: "kube0",
      generation: 2,
      at: clock.now(),
      program: "debootstrap",
      text: "unpacking base-files",
    },
  ]);
});

test("DESIGN-3.6 lines of a machine that installs nothing are dropped", async () => {
  const { installerLog } = await setUp(aMachine({ state: "ready" }));
  installerLog.noteSyslog({ address: "10.0.0.5", program: "sshd", text: "hello" });
  assert.deepEqual(await installerLog.list({ machine: "kube0", limit: 9 }), []);
});

test("DESIGN-3.7 lines are cut, tickets masked, control characters removed", async () => {
  const { installerLog } = await setUp(INSTALLING);
  const text = `\u001b[31mGET /install/mti_${"x".repeat(32)}/preseed.cfg\u0007 ${"y".repeat(5000)}`;
  installerLog.noteSyslog({ address: "10.0.0.5", program: "p".repeat(500), text });
  const line = (await installerLog.list({ machine: "kube0", limit: 1 }))[0]!;
  assert.ok(line.text.startsWith("[31mGET /install/mti_…/preseed.cfg yyy"));
  assert.equal(line.text.length, 2000);
  assert.equal(line.program.length, 64);
});

test("DESIGN-7 the log of an installation is bounded; of earlier ones the last is kept", async () => {
  const { installerLog, store } = await setUp(INSTALLING, 100);
  await store.machines.commit([{ kind: "save", machine: INSTALLING, previous: undefined }]);
  for (const generation of [0, 1])
    installerLog.note({ name: "kube0", generation }, { program: "p", text: "old" });
  for (let count = 0; count < 400; count++) installerLog.note(INSTALLING, { program: "p", text: `${count}` });
  await installerLog.stop();
  const lines = await installerLog.list({ machine: "kube0", limit: 1000 });
  assert.deepEqual(
    lines.filter(({ generation }) => generation < 2).map(({ generation }) => generation),
    [1],
  );
  assert.equal(lines.filter(({ generation }) => generation === 2).length, 100);
  assert.equal(lines.at(-1)?.text, "399");
});

test("DESIGN-3.6 numbers go on after a restart", async () => {
  const { installerLog, store, clock } = await setUp(INSTALLING);
  installerLog.note(INSTALLING, { program: "p", text: "one" });
  await installerLog.stop();
  const again = new InstallerLog({
    store: store.installerLog,
    clock,
    timers: clock,
    log: new KeptLog(),
    machineAt: () => undefined,
  });
  await again.start();
  again.note(INSTALLING, { program: "p", text: "two" });
  assert.deepEqual(
    (await again.list({ machine: "kube0", limit: 9, after: 1 })).map(({ text }) => text),
    ["two"],
  );
});
