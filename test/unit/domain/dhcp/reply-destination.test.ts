import assert from "node:assert/strict";
import { test } from "node:test";
import { readRequest } from "../../../../src/domain/dhcp/client-request.ts";
import { type ReplyKind, replyDestination } from "../../../../src/domain/dhcp/reply-destination.ts";
import { formatIpv4 } from "../../../../src/net/ipv4.ts";
import { OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import { type ClientPacket, clientPacket, ip, SERVER } from "../../../support/dhcp-client.ts";

const PORTS = { serverPort: 67, clientPort: 68 };
const RELAY_PORT = Uint8Array.of(19, 0);

interface Case {
  readonly name: string;
  readonly kind: ReplyKind;
  readonly packet: ClientPacket;
  readonly source?: string;
  readonly port?: number;
  readonly to: string | undefined;
}

const CASES: readonly Case[] = [
  {
    name: "D-67 a relayed reply goes to giaddr, port 67",
    kind: "lease",
    packet: { giaddr: "10.0.2.1" },
    port: 1067,
    to: "10.0.2.1:67",
  },
  {
    name: "D-67 a relayed renewal too",
    kind: "lease",
    packet: { type: "request", giaddr: "10.0.2.1", ciaddr: "10.0.2.5" },
    to: "10.0.2.1:67",
  },
  {
    name: "D-68 a client with an address is answered there, port 68",
    kind: "lease",
    packet: { type: "request", ciaddr: "10.0.0.5" },
    to: "10.0.0.5:68",
  },
  {
    name: "D-69 with the broadcast bit the reply is broadcast",
    kind: "lease",
    packet: { flags: 0x8000 },
    to: "255.255.255.255:68",
  },
  {
    name: "D-70 without the broadcast bit it is broadcast as well",
    kind: "lease",
    packet: {},
    to: "255.255.255.255:68",
  },
  {
    name: "D-72 a relay with its own source port is answered there",
    kind: "lease",
    packet: { giaddr: "10.0.2.1", options: { [OPTION.relayAgent]: RELAY_PORT } },
    port: 4711,
    to: "10.0.2.1:4711",
  },
  {
    name: "D-49 a NAK is broadcast although the client has an address",
    kind: "nak",
    packet: { type: "request", ciaddr: "10.0.0.5" },
    to: "255.255.255.255:68",
  },
  {
    name: "D-49 a relayed NAK goes to the relay",
    kind: "nak",
    packet: { giaddr: "10.0.2.1" },
    to: "10.0.2.1:67",
  },
  {
    name: "D-58 an INFORM is answered at ciaddr even through a relay",
    kind: "inform",
    packet: { type: "inform", ciaddr: "10.0.0.5", giaddr: "10.0.2.1" },
    to: "10.0.0.5:68",
  },
  {
    name: "D-58 an INFORM without ciaddr goes to its source",
    kind: "inform",
    packet: { type: "inform" },
    source: "10.0.0.9",
    to: "10.0.0.9:68",
  },
  {
    name: "P-14 a boot server answers ciaddr and the client's port",
    kind: "boot-server",
    packet: { type: "request", ciaddr: "10.0.0.5" },
    source: "10.0.0.5",
    port: 4011,
    to: "10.0.0.5:4011",
  },
  {
    name: "P-14 or the source where there is no ciaddr",
    kind: "boot-server",
    packet: { type: "request" },
    source: "10.0.0.5",
    port: 4100,
    to: "10.0.0.5:4100",
  },
  {
    name: "P-14 and nobody where there is neither",
    kind: "boot-server",
    packet: { type: "request" },
    source: "0.0.0.0",
    to: undefined,
  },
  {
    name: "D-68 broadcast, multicast and loopback are no client's address",
    kind: "lease",
    packet: { type: "request", ciaddr: "224.0.0.1" },
    to: undefined,
  },
];

for (const { name, kind, packet, source, port, to } of CASES) {
  test(name, () => {
    const arrival = {
      listener: kind === "boot-server" ? "boot-server" : "server",
      interfaceAddress: ip(SERVER),
      source: { address: ip(source ?? "0.0.0.0"), port: port ?? 68 },
    } as const;
    const request = readRequest(clientPacket(packet), arrival, { trustAgentOptionWithoutRelay: false });
    const found = replyDestination(kind, request, PORTS);
    assert.equal(found && `${formatIpv4(found.address)}:${found.port}`, to);
  });
}
