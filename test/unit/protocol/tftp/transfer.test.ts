import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Transfer, type TransferStep } from "../../../../src/protocol/tftp/transfer.ts";

const policy = { timeout: 1000, abandonAfter: 60_000 };
const oack = [{ name: "blksize", value: "1468" }];

function transfer(options: {
  size: number;
  blksize?: number;
  windowsize?: number;
  timeout?: number;
  oack?: boolean;
}): Transfer {
  const { size, blksize = 512, windowsize = 1, timeout } = options;
  const acknowledged = options.oack === true ? oack : [];
  const terms = { blksize, windowsize, acknowledged, ...(timeout === undefined ? {} : { timeout }) };
  return new Transfer({ size, terms, policy, now: 0 });
}

const send = (from: number, to = from): TransferStep => ({ kind: "send", from, to });

test("T-01 an exact multiple of the block size ends with an empty block", () => {
  assert.equal(transfer({ size: 1024 }).lastBlock, 3);
  assert.equal(transfer({ size: 1023 }).lastBlock, 2);
  assert.equal(transfer({ size: 0 }).lastBlock, 1);
});

test("T-01 without options DATA 1 answers the request, and each ACK brings the next block", () => {
  const sender = transfer({ size: 1024 });
  assert.deepEqual(sender.begin(0), send(1));
  assert.deepEqual(sender.acknowledge(1, 1), send(2));
  assert.deepEqual(sender.acknowledge(2, 2), send(3));
  assert.deepEqual(sender.acknowledge(3, 3), { kind: "complete" });
});

test("T-02 with options the OACK waits for ACK 0", () => {
  const sender = transfer({ size: 100, oack: true });
  assert.deepEqual(sender.begin(0), { kind: "send-oack" });
  assert.deepEqual(sender.acknowledge(1, 1), { kind: "wait" });
  assert.deepEqual(sender.acknowledge(0, 2), send(1));
  assert.deepEqual(sender.acknowledge(0, 3), { kind: "wait" });
});

test("T-06 a whole window is sent and one ACK waited for", () => {
  const sender = transfer({ size: 512 * 10, windowsize: 4 });
  assert.deepEqual(sender.begin(0), send(1, 4));
  assert.deepEqual(sender.acknowledge(4, 1), send(5, 8));
  assert.deepEqual(sender.acknowledge(8, 2), send(9, 11));
  assert.deepEqual(sender.acknowledge(11, 3), { kind: "complete" });
});

test("T-06 an ACK inside the window goes on after that block", () => {
  const sender = transfer({ size: 512 * 20, windowsize: 8 });
  sender.begin(0);
  assert.deepEqual(sender.acknowledge(3, 1), send(4, 11));
});

test("T-06, T-08 an ACK inside a repeated window brings only what was never sent", () => {
  const sender = transfer({ size: 512 * 60, windowsize: 8 });
  sender.begin(0);
  assert.deepEqual(sender.acknowledge(8, 1), send(9, 16));
  assert.deepEqual(sender.elapse(sender.deadline), send(9, 16));
  const now = sender.deadline;
  assert.deepEqual(sender.acknowledge(15, now), send(17, 23), "it had all but the last");
  assert.deepEqual(sender.acknowledge(16, now), send(24));
  assert.deepEqual(sender.acknowledge(24, now), send(25, 32));
  assert.deepEqual(sender.acknowledge(27, now), send(28, 35), "this window was sent once: block 28 is lost");
});

test("T-08 a repeated ACK sends nothing", () => {
  const sender = transfer({ size: 512 * 20 });
  sender.begin(0);
  assert.deepEqual(sender.acknowledge(1, 1), send(2));
  for (let i = 0; i < 5; i++) assert.deepEqual(sender.acknowledge(1, 2), { kind: "wait" });
});

test("T-09 an ACK of what was not sent, or of long ago, is ignored", () => {
  const sender = transfer({ size: 512 * 20, windowsize: 4 });
  sender.begin(0);
  sender.acknowledge(4, 1);
  for (const block of [0, 3, 9, 40_000, 65_535]) {
    assert.deepEqual(sender.acknowledge(block, 2), { kind: "wait" }, String(block));
  }
  assert.deepEqual(sender.acknowledge(8, 3), send(9, 12));
});

test("T-07 lost data is sent again after the timeout, with growing pauses, until the transfer is given up", () => {
  const sender = transfer({ size: 512 * 20 });
  sender.begin(0);
  sender.acknowledge(1, 1);
  const pauses: number[] = [];
  let now = 1;
  for (;;) {
    const pause = sender.deadline - now;
    assert.deepEqual(sender.elapse(sender.deadline - 0.5), { kind: "wait" });
    now = sender.deadline;
    const step = sender.elapse(now);
    pauses.push(pause);
    if (step.kind !== "send") {
      assert.deepEqual(step, { kind: "abandoned" });
      break;
    }
    assert.deepEqual(step, send(2));
  }
  assert.ok(now >= policy.abandonAfter && now < policy.abandonAfter + 10_000, `gave up at ${now}`);
  for (let i = 1; i < pauses.length; i++) assert.ok(pauses[i]! >= pauses[i - 1]!);
  assert.ok(pauses.at(-1)! <= 8000);
});

test("T-05 the timeout the client asked for is kept", () => {
  const sender = transfer({ size: 5000, timeout: 5000, oack: true });
  sender.begin(0);
  assert.equal(sender.deadline, 5000);
  sender.acknowledge(0, 10);
  assert.equal(sender.deadline, 5010);
  sender.acknowledge(1, 11);
  assert.equal(sender.deadline, 5011);
});

test("T-07 after measured round trips the timeout is short, but never below 200 ms", () => {
  const sender = transfer({ size: 512 * 100 });
  sender.begin(0);
  let now = 0;
  for (let block = 1; block <= 20; block++) sender.acknowledge(block, (now += 2));
  assert.equal(sender.deadline - now, 200);
});

test("T-07 where round trips are long the timeout is longer than the first, so that a busy network is not loaded twice", () => {
  const far = transfer({ size: 512 * 100 });
  far.begin(0);
  let now = 0;
  for (let block = 1; block <= 40; block++) far.acknowledge(block, (now += 900));
  assert.ok(far.deadline - now > 3000 && far.deadline - now <= 3600, String(far.deadline - now));
});

test("T-10 blocks are counted past 65535, the wire number wrapping to 0", () => {
  const sender = transfer({ size: 512 * 200_000, windowsize: 16 });
  let step = sender.begin(0);
  let sent = 0;
  for (let now = 1; step.kind === "send"; now++) {
    assert.equal(step.from, sent + 1);
    sent = step.to;
    step = sender.acknowledge(sent & 0xffff, now);
  }
  assert.equal(step.kind, "complete");
  assert.equal(sent, 200_001);
});

test("T-27 when only the last ACK is missing the transfer ends quietly", () => {
  const sender = transfer({ size: 600 });
  sender.begin(0);
  sender.acknowledge(1, 1);
  let step: TransferStep = { kind: "wait" };
  let repeats = 0;
  while ((step = sender.elapse(sender.deadline)).kind === "send") repeats += 1;
  assert.equal(step.kind, "unconfirmed");
  assert.ok(repeats <= 6);
});

test("T-28 before the first ACK nothing is repeated more than three times", () => {
  for (const withOptions of [true, false]) {
    const sender = transfer({ size: 1_000_000, windowsize: 16, oack: withOptions });
    sender.begin(0);
    let repeats = 0;
    let step = sender.elapse(sender.deadline);
    for (; step.kind !== "abandoned"; step = sender.elapse(sender.deadline)) repeats += 1;
    assert.equal(repeats, 3);
    assert.ok(sender.deadline <= policy.abandonAfter);
  }
});

test("T-06, T-07, T-08, T-09 over any loss every block arrives before it is called complete, and duplicated ACKs alone cost no packet", () => {
  const run = fc.record({
    size: fc.nat(40_000),
    blksize: fc.integer({ min: 8, max: 1468 }),
    windowsize: fc.integer({ min: 1, max: 16 }),
    oack: fc.boolean(),
    seed: fc.infiniteStream(fc.nat(99)),
  });
  fc.assert(
    fc.property(
      run,
      fc.oneof(fc.constant(0), fc.nat(30)),
      fc.nat(50),
      ({ seed, ...terms }, loss, duplicates) => {
        const chance = (percent: number): boolean => (seed.next().value as number) < percent;
        const sender = transfer(terms);
        const end = deliver(sender, { lost: () => chance(loss), repeated: () => chance(duplicates) });
        if (loss === 0) assert.deepEqual(end, { outcome: "complete", packets: sender.lastBlock });
      },
    ),
    { numRuns: 150 },
  );
});

test("T-06, T-07, T-08 a lost datagram costs two windows at most, even with a client that answers blocks it has already", () => {
  const run = fc.record({
    size: fc.integer({ min: 100, max: 40_000 }),
    blksize: fc.integer({ min: 8, max: 512 }),
    windowsize: fc.integer({ min: 1, max: 32 }),
    seed: fc.infiniteStream(fc.nat(99)),
  });
  fc.assert(
    fc.property(run, fc.nat(5), ({ seed, ...terms }, loss) => {
      let losses = 0;
      const lost = (): boolean => {
        const is = (seed.next().value as number) < loss;
        if (is) losses += 1;
        return is;
      };
      const sender = transfer(terms);
      const packets = deliverEagerly(sender, { windowsize: terms.windowsize, lost });
      const most = sender.lastBlock + 2 * losses * terms.windowsize;
      assert.ok(packets <= most, `${packets} packets for ${sender.lastBlock} blocks and ${losses} losses`);
    }),
    { numRuns: 300 },
  );
});

/** A receiver like atftp: it acknowledges each full window and the end, and says what it has when a block is not the next. */
function deliverEagerly(sender: Transfer, line: { windowsize: number; lost: () => boolean }): number {
  let [received, since, packets, now] = [0, 0, 0, 0];
  let astray = false;
  const steps: TransferStep[] = [sender.begin(now)];
  const acknowledge = (): void => {
    since = 0;
    if (!line.lost()) steps.push(sender.acknowledge(received & 0xffff, ++now));
  };
  const take = (block: number): void => {
    if (block !== received + 1) {
      if (!astray) acknowledge();
      astray = true;
      return;
    }
    astray = false;
    received += 1;
    since += 1;
    if (since === line.windowsize || received === sender.lastBlock) acknowledge();
  };
  while (received < sender.lastBlock) {
    const step = steps.shift() ?? sender.elapse((now = Math.max(now, sender.deadline)));
    if (step.kind === "abandoned" || step.kind === "unconfirmed") break;
    if (step.kind !== "send") continue;
    for (let block = step.from; block <= step.to; block++) {
      packets += 1;
      if (!line.lost()) take(block);
    }
  }
  return packets;
}

/** A receiver of RFC 7440 on a bad line: it acknowledges a full window, the end, and a gap once. */
function deliver(
  sender: Transfer,
  line: { lost: () => boolean; repeated: () => boolean },
): { outcome: string; packets: number } {
  let received = 0;
  let packets = 0;
  let now = 0;
  const queue: TransferStep[] = [sender.begin(now)];
  const acknowledge = (): void => {
    const times = line.lost() ? 0 : line.repeated() ? 2 : 1;
    for (let i = 0; i < times; i++) queue.push(sender.acknowledge(received & 0xffff, ++now));
  };
  for (let steps = 0; steps < 200_000; steps++) {
    const step = queue.shift() ?? sender.elapse((now = Math.max(now, sender.deadline)));
    if (step.kind === "complete") assert.equal(received, sender.lastBlock);
    if (step.kind === "complete" || step.kind === "unconfirmed" || step.kind === "abandoned") {
      return { outcome: step.kind, packets };
    }
    if (step.kind === "send-oack" && !line.lost()) acknowledge();
    if (step.kind !== "send") continue;
    for (let block = step.from; block <= step.to; block++) {
      assert.ok(block >= 1 && block <= sender.lastBlock);
      packets += 1;
      if (line.lost()) continue;
      if (block === received + 1) received += 1;
      if (received === sender.lastBlock || block === step.to || block > received) acknowledge();
    }
  }
  return assert.fail("never ended");
}
