import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { DhcpBench } from "../../../support/dhcp-client.ts";

const CIRCUIT = Uint8Array.of(1, 2, 7, 7);

test("D-58 an INFORM gets options and no lease, straight to the client", async () => {
  const bench = await DhcpBench.start();
  const ack = await bench.ask({ type: "inform", ciaddr: "10.0.0.20" });
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.to, "10.0.0.20:68");
  assert.equal(ack.yiaddr, "0.0.0.0");
  for (const code of [OPTION.leaseTime, OPTION.renewalTime, OPTION.rebindingTime]) {
    assert.equal(ack.packet.options.has(code), false);
  }
  assert.equal(ack.packet.options.text(OPTION.domainName), "rack.example");
  assert.deepEqual(bench.service.leases(), []);
});

test("D-58 an INFORM without ciaddr goes back through its relay with the broadcast flag, or to where it came from", async () => {
  const bench = await DhcpBench.start();
  const relayed = await bench.ask({ type: "inform", giaddr: "10.0.0.254" });
  assert.equal(relayed.to, "10.0.0.254:67");
  assert.equal(relayed.packet.flags, 0x8000);
  const direct = await bench.ask({ type: "inform" }, { source: { address: "10.0.0.33", port: 68 } });
  assert.equal(direct.to, "10.0.0.33:68");
  assert.equal(await bench.silence({ type: "inform" }), "no-client-address");
});

test("D-59 a relayed INFORM answered straight to the client shows no trace of the relay", async () => {
  const bench = await DhcpBench.start();
  const options = { [OPTION.relayAgent]: CIRCUIT };
  const ack = await bench.ask({
    type: "inform",
    ciaddr: "10.0.0.20",
    giaddr: "10.0.0.254",
    hops: 2,
    options,
  });
  assert.equal(ack.to, "10.0.0.20:68");
  assert.deepEqual([ack.packet.giaddr, ack.packet.hops], [0, 0]);
  assert.equal(ack.packet.options.has(OPTION.relayAgent), false);
});
