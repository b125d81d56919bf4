import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnicast } from "../../../../src/domain/dhcp/reply-destination.ts";
import { DecodeError } from "../../../../src/protocol/decode-error.ts";
import { decodeDhcp } from "../../../../src/protocol/dhcp/decode-packet.ts";
import { encodeDhcp } from "../../../../src/protocol/dhcp/encode-packet.ts";
import { OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import {
  type ClientPacket,
  clientPacket,
  DhcpBench,
  ip,
  ipxeOptions,
  MACHINE_ID,
  pxeOptions,
  SERVER,
} from "../../../support/dhcp-client.ts";
import { mutate, seededRandom } from "../../../support/mutate.ts";

const PACKETS = 200_000;
const AGENT = { [OPTION.relayAgent]: Uint8Array.of(1, 2, 7, 7, 5, 4, 10, 0, 0, 0) };
const SEEDS: readonly ClientPacket[] = [
  {},
  { options: pxeOptions(7) },
  { options: ipxeOptions(0) },
  { giaddr: "10.0.0.254", options: { ...pxeOptions(0), ...AGENT } },
  { type: "request", options: { [OPTION.requestedAddress]: "10.0.0.100", [OPTION.serverId]: SERVER } },
  { type: "request", options: { [OPTION.requestedAddress]: "10.0.0.101" } },
  { type: "request", ciaddr: "10.0.0.102" },
  { type: "decline", options: { [OPTION.requestedAddress]: "10.0.0.100", [OPTION.serverId]: SERVER } },
  { type: "release", ciaddr: "10.0.0.100", options: { [OPTION.serverId]: SERVER } },
  { type: "inform", ciaddr: "10.0.0.20", options: { [OPTION.clientMachineId]: MACHINE_ID } },
  { type: "offer", op: 2, options: { [OPTION.serverId]: "10.0.0.77" } },
];

test("D-01, D-03 200,000 mutated packets bring no exception and no answer to nonsense", async () => {
  const bench = await DhcpBench.start({
    network: {
      address: SERVER,
      subnets: [{ cidr: "10.0.0.0/24", pools: [{ from: "10.0.0.100", to: "10.0.0.200" }] }],
    },
    dhcp: { mode: "server", unknown: "discover", authoritative: true, clientRate: 1e9 },
  });
  const random = seededRandom(2131);
  const seeds = SEEDS.map((fields) => encodeDhcp(clientPacket(fields)).bytes.subarray(0, 300));
  let sent = 0;
  for (let done = 0; done < PACKETS; done += 500) {
    bench.clock.advance(1_000);
    const batch = Array.from({ length: 500 }, () =>
      mutate(seeds[Math.floor(random() * seeds.length)]!, random),
    );
    const outcomes = await Promise.all(
      batch.map((bytes) => bench.answer(bytes, { listener: random() < 0.1 ? "boot-server" : "server" })),
    );
    outcomes.forEach((outcome, index) => {
      if (outcome.kind === "ignored") return;
      sent++;
      checkReply(batch[index]!, outcome);
    });
  }
  assert.ok(sent > PACKETS / 20, `${sent} packets were still good enough for an answer`);
  assert.ok(sent < PACKETS, "and some were not");
  for (const { address } of bench.service.leases()) assert.ok(ip(address) >= ip("10.0.0.100"), address);
});

/** Answers go to questions only: the right transaction, a client's message, an address a host can have. */
function checkReply(
  question: Uint8Array,
  outcome: { readonly bytes: Uint8Array; readonly to: { readonly address: string } },
): void {
  const asked = decodeDhcp(question);
  const reply = decodeDhcp(outcome.bytes);
  if (asked instanceof DecodeError || reply instanceof DecodeError) throw new Error("an answer to no packet");
  assert.equal(asked.op, 1);
  assert.equal(reply.op, 2);
  assert.equal(reply.xid, asked.xid);
  assert.ok([1, 3, 8].includes(asked.options.u8(OPTION.messageType) ?? 0));
  assert.ok([2, 5, 6].includes(reply.options.u8(OPTION.messageType) ?? 0));
  assert.ok(outcome.bytes.length >= 300 && outcome.bytes.length <= 1472);
  const to = ip(outcome.to.address);
  assert.ok(isUnicast(to) || outcome.to.address === "255.255.255.255", outcome.to.address);
  if (reply.yiaddr !== 0) assert.ok(reply.yiaddr >= ip("10.0.0.100") && reply.yiaddr <= ip("10.0.0.200"));
}
