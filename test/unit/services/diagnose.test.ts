import assert from "node:assert/strict";
import { test } from "node:test";
import { decideBoot } from "../../../src/domain/boot-decision.ts";
import { LOADING_STAGE } from "../../../src/domain/lifecycle-events.ts";
import type { Machine } from "../../../src/domain/machine.ts";
import type { DecisionTrace } from "../../../src/services/dhcp/dhcp-service.ts";
import { diagnose } from "../../../src/services/diagnose.ts";
import type { StoredEvent } from "../../../src/services/ports.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { aMachine, anInstalledMachine, LIMITS, START } from "../../support/machines.ts";

const MINUTE = 60_000;
const NOW = START + 60 * MINUTE;

function packet(minute: number, fields: Partial<DecisionTrace>): DecisionTrace {
  return {
    at: START + minute * MINUTE,
    client: "52:54:00:12:34:01",
    message: "DISCOVER",
    listener: "server",
    interfaceAddress: "10.0.0.1",
    because: "b",
    ...fields,
  };
}

function event(minute: number, type: string, more: Partial<StoredEvent> = {}): StoredEvent {
  return {
    id: minute,
    at: START + minute * MINUTE,
    type,
    source: "http",
    level: "info",
    message: type,
    machine: "kube0",
    ...more,
  };
}

interface Case {
  readonly machine?: Machine;
  readonly traces?: readonly DecisionTrace[];
  readonly events?: readonly StoredEvent[];
  readonly rivals?: readonly string[];
  readonly missing?: string;
}

function run(given: Case) {
  const { machine = aMachine(), traces = [], events = [], rivals = [], missing } = given;
  const assets =
    missing === undefined ? ({ kind: "ready" } as const) : ({ kind: "missing", reason: missing } as const);
  return diagnose(machine, {
    events: { list: () => Promise.resolve(events) },
    dhcp: { tracesFor: (mac) => (mac === machine.spec.mac ? traces : []) },
    decide: (each) => decideBoot({ machine: each, assets, limits: LIMITS }),
    rivals: () => rivals,
    clock: new FakeClock(NOW),
  });
}

const OFFER = packet(1, { reply: "OFFER", address: "10.0.0.5", bootFile: "snponly.efi" });
const ACK = packet(2, { message: "REQUEST", reply: "ACK", address: "10.0.0.5", bootFile: "snponly.efi" });
const SENT = event(3, "boot-file-sent", { source: "tftp" });
const SCRIPT = event(4, "boot-script");
const FAILED: Machine = aMachine({
  state: "failed",
  generation: 1,
  failure: {
    reason: "the disk /dev/sda holds data",
    cause: "reported",
    from: "installing",
    stage: "partitioning",
    at: NOW,
  },
});
const LOADING = aMachine({
  state: "installing",
  generation: 1,
  stage: LOADING_STAGE,
  updatedAt: START + 5 * MINUTE,
});

const TABLE: readonly (readonly [
  name: string,
  given: Case,
  level: string,
  message: RegExp,
  advice?: RegExp,
])[] = [
  ["no packet", {}, "problem", /^no DISCOVER seen from 52:54:00:12:34:01 for 60 minutes/, /powered on/],
  [
    "a packet before the reimage does not count",
    { traces: [OFFER], events: [event(30, "reimage-requested")] },
    "problem",
    /^no DISCOVER seen from .* for 30 minutes/,
  ],
  [
    "ignored",
    { traces: [packet(1, { reason: "unknown-machine", because: "no machine is registered with this MAC" })] },
    "problem",
    /^DISCOVER ignored: no machine is registered/,
    /muster register/,
  ],
  [
    "ignored for want of a network",
    { traces: [packet(1, { reason: "unknown-relay", because: "the relay belongs to no network" })] },
    "problem",
    /^DISCOVER ignored: the relay/,
    /relays/,
  ],
  [
    "4011 unanswered",
    {
      traces: [
        OFFER,
        packet(2, {
          listener: "boot-server",
          message: "REQUEST",
          reason: "no-boot-file",
          because: "no boot file for 39",
        }),
      ],
    },
    "problem",
    /^4011 unanswered: .*no boot file for 39/,
    /dhcp.architectures/,
  ],
  [
    "offer not taken",
    { traces: [OFFER], rivals: ["10.0.0.254"] },
    "problem",
    /offered snponly.efi .* never came back/,
    /10\.0\.0\.254/,
  ],
  [
    "boot file never read",
    { traces: [OFFER, ACK] },
    "problem",
    /told to read snponly.efi by TFTP and never did/,
    /port 69/,
  ],
  [
    "boot file failed",
    {
      traces: [OFFER, ACK],
      events: [event(3, "boot-file-failed", { message: "could not read snponly.efi by TFTP: timeout" })],
    },
    "problem",
    /could not read snponly.efi/,
  ],
  [
    "script never fetched",
    { traces: [OFFER, ACK], events: [SENT] },
    "problem",
    /^boot file fetched but script never/,
    /HTTP port/,
  ],
  [
    "script never fetched after HTTP boot",
    {
      traces: [
        packet(1, { reply: "ACK", message: "REQUEST", bootFile: "http://10.0.0.1:8080/boot/files/ipxe.efi" }),
      ],
    },
    "problem",
    /^boot file fetched but script never/,
  ],
  [
    "script cannot be made",
    {
      traces: [OFFER, ACK],
      events: [SENT, SCRIPT, event(5, "boot-script-failed", { message: "no boot script could be made: x" })],
    },
    "problem",
    /no boot script could be made: x/,
  ],
  [
    "installer missing",
    { traces: [OFFER, ACK], events: [SENT, SCRIPT], missing: "the mirror cannot be reached" },
    "problem",
    /its boot script waits: the mirror cannot be reached/,
    /muster assets/,
  ],
  [
    "preseed never fetched",
    { machine: LOADING, events: [event(5, "installer-booted")] },
    "problem",
    /^preseed never fetched: the installer was handed out 55 minutes ago/,
    /firmwarePackages/,
  ],
  [
    "installer loading",
    { machine: LOADING, events: [event(59, "installer-booted")] },
    "info",
    /being loaded/,
  ],
  [
    "preseed fetched",
    { machine: LOADING, events: [event(5, "installer-booted"), event(6, "install-document-fetched")] },
    "info",
    /fetched its preseed/,
  ],
  [
    "stopped by the wipe guard",
    { machine: FAILED, events: [event(9, "install-failed", { data: { findings: ["/dev/sda1: ext4"] } })] },
    "problem",
    /^stopped by the wipe guard: the disk \/dev\/sda holds data: \/dev\/sda1: ext4/,
    /install.wipe/,
  ],
  [
    "failed otherwise",
    { machine: FAILED },
    "problem",
    /^its installation failed: the disk/,
    /muster retry kube0/,
  ],
  [
    "silent while loading",
    {
      machine: {
        ...FAILED,
        failure: { reason: "r", cause: "silence", from: "installing", stage: LOADING_STAGE, at: NOW },
      },
    },
    "problem",
    /^preseed never fetched/,
  ],
  [
    "silent in a stage",
    {
      machine: {
        ...FAILED,
        failure: { reason: "r", cause: "silence", from: "installing", stage: "packages", at: NOW },
      },
    },
    "problem",
    /fell silent in stage packages/,
  ],
  [
    "first boot never came",
    {
      machine: {
        ...FAILED,
        installFinished: true,
        failure: { reason: "r", cause: "silence", from: "installing", stage: "first-boot", at: NOW },
      },
    },
    "problem",
    /its own system never reported/,
    /muster reimage kube0/,
  ],
  [
    "failed at work",
    {
      machine: anInstalledMachine({
        state: "failed",
        failure: { reason: "kubelet", cause: "reported", from: "ready", at: NOW },
      }),
    },
    "problem",
    /failed while it was ready: kubelet/,
  ],
  [
    "held",
    { machine: aMachine({ held: "restored" }) },
    "problem",
    /^it is held: restored/,
    /muster confirm kube0/,
  ],
  [
    "installing",
    { machine: aMachine({ state: "installing", stage: "packages", updatedAt: NOW - MINUTE }) },
    "ok",
    /it is installing: packages, 60 seconds ago/,
  ],
  [
    "quiet",
    { machine: aMachine({ state: "installing", stage: "packages", updatedAt: NOW - 40 * MINUTE }) },
    "warning",
    /nothing was heard for 40 minutes, since stage packages/,
  ],
  [
    "first boot awaited",
    { machine: aMachine({ state: "installing", installFinished: true, updatedAt: NOW - MINUTE }) },
    "ok",
    /finished 60 seconds ago; its own system has not reported yet/,
  ],
  [
    "first boot overdue",
    { machine: aMachine({ state: "installing", installFinished: true, updatedAt: NOW - 20 * MINUTE }) },
    "warning",
    /finished 20 minutes ago/,
    /localBoot/,
  ],
  [
    "loop",
    {
      machine: anInstalledMachine(),
      events: [event(50, "boot-loop", { message: "booted from the network more than 5 times" })],
    },
    "warning",
    /more than 5 times/,
  ],
  [
    "alarms",
    {
      machine: anInstalledMachine(),
      events: [event(50, "ticket-refused", { level: "alarm", message: "a ticket was refused" })],
    },
    "warning",
    /^1 alarm, the last: a ticket was refused/,
    /muster events kube0/,
  ],
  [
    "discovered",
    { machine: aMachine({ state: "discovered" }), events: [SCRIPT] },
    "info",
    /waits for approval/,
    /muster approve kube0/,
  ],
  ["at work", { machine: anInstalledMachine() }, "ok", /it is installed and boots its own disk/],
  ["retired", { machine: anInstalledMachine({ state: "retired" }) }, "ok", /retired/],
];

for (const [name, given, level, message, advice] of TABLE) {
  test(`DESIGN-3.1 diagnosis: ${name}`, async () => {
    const { summary, findings } = await run(given);
    const [worst] = findings;
    assert.equal(worst?.level, level, JSON.stringify(findings));
    assert.match(worst.message, message);
    if (advice) assert.match(worst.advice ?? "", advice);
    assert.ok(summary.startsWith("kube0 is "));
    assert.ok(summary.endsWith(worst.message));
  });
}

test("DESIGN-3.1 diagnosis: a boot that goes well has no problem at any step", async () => {
  const steps: Case[] = [
    { traces: [packet(59.9, { reply: "OFFER" })] },
    {
      traces: [
        packet(59.8, { reply: "OFFER" }),
        packet(59.9, { message: "REQUEST", reply: "ACK", bootFile: "snponly.efi" }),
      ],
    },
    { traces: [OFFER, ACK], events: [event(59.9, "boot-file-sent")] },
    { traces: [OFFER, ACK], events: [SENT, SCRIPT] },
    {
      traces: [packet(1, { reason: "rate-limited" }), packet(2, { reply: "OFFER" }), ACK],
      events: [SENT, SCRIPT],
    },
  ];
  for (const step of steps) {
    const { findings } = await run(step);
    assert.deepEqual(
      findings.filter(({ level }) => level === "problem"),
      [],
    );
  }
});

test("DESIGN-3.1 diagnosis: packets, transfers and reports are one timeline, and the next boot is told", async () => {
  const { packets, nextBoot } = await run({
    traces: [packet(1, { reply: "OFFER", address: "10.0.0.5", giaddr: "10.0.1.1", because: "reserved" })],
    events: [
      event(0.5, "registered", { source: "cli", message: "registered" }),
      event(3, "boot-file-sent", { source: "tftp", message: "read x by TFTP" }),
    ],
  });
  assert.deepEqual(packets, [
    { at: "2025-06-15T15:07:10.000Z", source: "cli", what: "registered" },
    {
      at: "2025-06-15T15:07:40.000Z",
      source: "dhcp",
      what: "DISCOVER by relay 10.0.1.1 → OFFER (10.0.0.5): reserved",
    },
    { at: "2025-06-15T15:09:40.000Z", source: "tftp", what: "read x by TFTP" },
  ]);
  assert.deepEqual(nextBoot, { kind: "install", reason: "the machine is registered" });
});

test("DESIGN-3.1 a machine that waits for its turn says what for, and who knows more", async () => {
  const machine = anInstalledMachine({ state: "waiting", spec: { cluster: "lab" } });
  const options = {
    events: { list: () => Promise.resolve([]) },
    dhcp: { tracesFor: () => [] },
    decide: (each: Machine) => decideBoot({ machine: each, assets: { kind: "ready" }, limits: LIMITS }),
    rivals: () => [],
    clock: new FakeClock(NOW),
  };
  const turn = () => ({ at: NOW - 4_000, action: "wait" as const, reason: "kube1 joins first" });
  const [told] = (await diagnose(machine, { ...options, turn })).findings;
  assert.equal(told?.message, "it waits for its turn: kube1 joins first (told 4 seconds ago)");
  assert.equal(told.advice, "muster cluster turn lab shows who has the turn");
  const [silent] = (await diagnose(machine, options)).findings;
  assert.match(silent?.message ?? "", /has not asked for a while/);
});
