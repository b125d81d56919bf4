import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { DhcpBench, pxeOptions } from "../../../support/dhcp-client.ts";

test("D-20, D-34 a client gets an offer, then its lease", async () => {
  const bench = await DhcpBench.start();
  const ack = await bench.lease({ options: pxeOptions(7) });
  assert.equal(ack.type, MESSAGE_TYPE.ack);
  assert.equal(ack.yiaddr, "10.0.0.100");
  assert.equal(ack.packet.file, "snponly.efi");
  assert.equal(ack.packet.options.text(OPTION.bootFile), "snponly.efi");
});
