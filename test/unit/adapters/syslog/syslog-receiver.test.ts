import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { SourceRates } from "../../../../src/adapters/syslog/source-rates.ts";
import { type ReceivedSyslog, SyslogReceiver } from "../../../../src/adapters/syslog/syslog-receiver.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { KeptLog } from "../../../support/kept-log.ts";

test("syslog lines arrive with the address they came from, a flood is cut", async (t) => {
  const received: ReceivedSyslog[] = [];
  const receiver = new SyslogReceiver({
    address: "127.0.0.1",
    port: 0,
    receive: (message) => received.push(message),
    clock: new FakeClock(),
    log: new KeptLog(),
  });
  await receiver.start();
  const status = receiver.status();
  assert.ok(status.state === "listening");
  const port = Number(/:(\d+)\//.exec(status.endpoints[0] ?? "")?.[1]);
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  for (let i = 0; i < 3000; i++) {
    socket.send(`<30>partman[7]: line ${i}`, port, "127.0.0.1");
    if (i % 50 === 0) await delay(1);
  }
  for (let i = 0; i < 100 && received.length + receiver.dropped < 3000; i++) await delay(10);
  await receiver.stop();
  assert.deepEqual(received[0], {
    facility: 3,
    severity: 6,
    program: "partman",
    text: "line 0",
    address: "127.0.0.1",
  });
  assert.equal(received.length, 2000);
  assert.ok(receiver.dropped > 0);
  assert.equal(receiver.status().state, "off");
});

test("the rate of one source is its own, comes back with time, and sources are forgotten", () => {
  const rates = new SourceRates();
  let passed = 0;
  for (let i = 0; i < 5000; i++) passed += rates.admit("10.0.0.1", 0) ? 1 : 0;
  assert.equal(passed, 2000);
  assert.ok(rates.admit("10.0.0.2", 0));
  assert.ok(rates.admit("10.0.0.1", 1000));
  for (let i = 0; i < 6000; i++) rates.admit(`host-${i}`, 1000);
  assert.ok(rates.admit("10.0.0.1", 1000));
});
