import assert from "node:assert/strict";
import { test } from "node:test";
import type { BootDecision } from "../../../src/domain/boot-decision.ts";
import { BootRequests } from "../../../src/services/boot-requests.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { KeptEvents } from "../../support/kept-events.ts";
import { aMachine, anInstalledMachine } from "../../support/machines.ts";

const LOCAL: BootDecision = { kind: "local", reason: "the machine is installed" };
const WAIT: BootDecision = { kind: "wait", reason: "waiting for files" };

function setUp() {
  const events = new KeptEvents();
  const clock = new FakeClock();
  return { events, clock, requests: new BootRequests({ events, clock }) };
}

test("P-23 a machine that boots from the network again and again is told about, once an hour", () => {
  const { events, clock, requests } = setUp();
  for (let boot = 0; boot < 30; boot++) {
    requests.note(anInstalledMachine(), LOCAL);
    clock.advance(120_000);
  }
  const loops = events.ofType("boot-loop");
  assert.equal(loops.length, 1);
  assert.equal(loops[0]?.level, "warning");
  assert.match(loops[0].message, /more than 5 times in 15 minutes: its own disk does not start/);
  clock.advance(660_000);
  for (let boot = 0; boot < 10; boot++) requests.note(anInstalledMachine(), LOCAL);
  assert.equal(events.ofType("boot-loop").length, 2);
});

test("P-23 a machine that boots now and then, or asks while it waits, is in no loop", () => {
  const { events, clock, requests } = setUp();
  for (let boot = 0; boot < 20; boot++) {
    requests.note(anInstalledMachine({ name: "rare" }), LOCAL);
    for (let ask = 0; ask < 10; ask++) requests.note(aMachine(), WAIT);
    clock.advance(200_000);
  }
  assert.deepEqual(events.ofType("boot-loop"), []);
});

test("P-23 the timeline hears an answer when it is new, not each time it is asked for", () => {
  const { events, clock, requests } = setUp();
  for (let ask = 0; ask < 5; ask++) requests.note(aMachine(), WAIT);
  requests.note(aMachine(), { ...WAIT, reason: "waiting for other files" });
  assert.deepEqual(
    events.events.map(({ message }) => message),
    [
      "asked for its boot script: wait: waiting for files",
      "asked for its boot script: wait: waiting for other files",
    ],
  );
  clock.advance(600_000);
  requests.note(aMachine(), { ...WAIT, reason: "waiting for other files" });
  assert.equal(events.events.length, 3);
});
