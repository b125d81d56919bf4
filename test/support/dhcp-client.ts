/** DHCP packets as clients send them, and the answerer with everything around it in memory. */

import { type ConfigInput, configSchema } from "../../src/config/schema.ts";
import type { Machine, Sighting } from "../../src/domain/machine.ts";
import type { MachineSpecInput } from "../../src/domain/machine-spec.ts";
import { ANY, formatIpv4, type Ipv4, ipv4ToBytes, parseIpv4 } from "../../src/net/ipv4.ts";
import { macToBytes, parseMac } from "../../src/net/mac.ts";
import { DecodeError } from "../../src/protocol/decode-error.ts";
import { decodeDhcp } from "../../src/protocol/dhcp/decode-packet.ts";
import { encodeDhcp } from "../../src/protocol/dhcp/encode-packet.ts";
import { MESSAGE_TYPE, OPTION } from "../../src/protocol/dhcp/option-codes.ts";
import { DhcpOptions, textBytes, u16Bytes } from "../../src/protocol/dhcp/options.ts";
import type { DhcpPacket } from "../../src/protocol/dhcp/packet.ts";
import { createDhcpService } from "../../src/services/dhcp/answer-dhcp.ts";
import type {
  AddressProbe,
  DhcpDatagram,
  DhcpOutcome,
  DhcpService,
} from "../../src/services/dhcp/dhcp-service.ts";
import type { LeaseStore } from "../../src/services/ports.ts";
import type { RegistryChange } from "../../src/services/registry.ts";
import { FakeClock } from "./fake-clock.ts";
import { KeptEvents } from "./kept-events.ts";
import { KeptLog } from "./kept-log.ts";
import { aMachine } from "./machines.ts";
import { MemoryStore } from "./memory-store.ts";

export const SERVER = "10.0.0.1";
export const MAC = "52:54:00:12:34:01";
export const OTHER_MAC = "52:54:00:12:34:02";
/** SMBIOS UUID as firmware sends it: a type octet and sixteen more. */
export const MACHINE_ID = Uint8Array.from([0, ...Array.from({ length: 16 }, (_, index) => index + 1)]);

export interface ClientPacket {
  readonly type?: keyof typeof MESSAGE_TYPE | number | undefined;
  readonly mac?: string;
  readonly op?: number;
  readonly htype?: number;
  readonly hlen?: number;
  readonly hops?: number;
  readonly xid?: number;
  readonly flags?: number;
  readonly ciaddr?: string;
  readonly giaddr?: string;
  readonly chaddr?: Uint8Array;
  /** Further options: octets, or a text, or an address, or a list of option codes. */
  readonly options?: Readonly<Record<number, Uint8Array | string | readonly number[]>>;
}

/** What a client would send; everything left out is as in a plain DISCOVER. */
export function clientPacket(fields: ClientPacket = {}): DhcpPacket {
  const options = new Map<number, Uint8Array>();
  const type = "type" in fields ? fields.type : "discover";
  if (type !== undefined) {
    options.set(OPTION.messageType, Uint8Array.of(typeof type === "number" ? type : MESSAGE_TYPE[type]));
  }
  for (const [code, value] of Object.entries(fields.options ?? {})) options.set(Number(code), octets(value));
  const chaddr = new Uint8Array(16);
  chaddr.set(fields.chaddr ?? macToBytes(parseMac(fields.mac ?? MAC)!));
  return {
    op: fields.op ?? 1,
    htype: fields.htype ?? 1,
    hlen: fields.hlen ?? 6,
    hops: fields.hops ?? 0,
    xid: fields.xid ?? 0x12345678,
    secs: 0,
    flags: fields.flags ?? 0,
    ciaddr: address(fields.ciaddr),
    yiaddr: ANY,
    siaddr: ANY,
    giaddr: address(fields.giaddr),
    chaddr,
    sname: "",
    file: "",
    options: new DhcpOptions(options),
  };
}

/** Options of PXE firmware of an architecture. */
export function pxeOptions(architecture: number): Record<number, Uint8Array | string | number[]> {
  return {
    [OPTION.vendorClass]: `PXEClient:Arch:${String(architecture).padStart(5, "0")}:UNDI:003016`,
    [OPTION.clientArchitecture]: u16Bytes(architecture),
    [OPTION.clientInterface]: Uint8Array.of(1, 3, 16),
    [OPTION.clientMachineId]: MACHINE_ID,
    [OPTION.parameterRequestList]: [1, 3, 6, 43, 54, 60, 66, 67, 97],
  };
}

/** Options of an iPXE that can do HTTP. */
export function ipxeOptions(architecture = 0): Record<number, Uint8Array | string | number[]> {
  return { ...pxeOptions(architecture), [OPTION.userClass]: "iPXE", [OPTION.ipxe]: IPXE_WITH_HTTP };
}

export const IPXE_WITH_HTTP = Uint8Array.of(0xb1, 1, 0, 19, 1, 1, 24, 1, 1, 36, 1, 1);
export const IPXE_WITHOUT_HTTP = Uint8Array.of(24, 1, 1, 36, 1, 1);

export function ip(text: string): Ipv4 {
  return parseIpv4(text)!;
}

function address(text: string | undefined): Ipv4 {
  return text === undefined ? ANY : ip(text);
}

function octets(value: Uint8Array | string | readonly number[]): Uint8Array {
  if (typeof value !== "string") return Uint8Array.from(value);
  const parsed = parseIpv4(value);
  return parsed === undefined ? textBytes(value) : ipv4ToBytes(parsed);
}

/** A reply as the client reads it. */
export interface Received {
  readonly packet: DhcpPacket;
  readonly type: number | undefined;
  readonly yiaddr: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** A network 10.0.0.0/24 in server mode with ten addresses for anybody. */
export const LAN: ConfigInput = {
  network: {
    address: SERVER,
    subnets: [
      {
        cidr: "10.0.0.0/24",
        router: "10.0.0.254",
        dns: ["10.0.0.253"],
        domain: "rack.example",
        pools: [{ from: "10.0.0.100", to: "10.0.0.109" }],
      },
    ],
  },
  dhcp: { mode: "server", unknown: "discover", clientRate: 1000 },
};

/** The answerer with memory around it. */
export class DhcpBench {
  readonly clock: FakeClock;
  readonly events = new KeptEvents();
  readonly log = new KeptLog();
  readonly store: MemoryStore;
  readonly sightings: { sighting: Sighting; known: Machine | undefined }[] = [];
  readonly machines = new Map<string, Machine>();
  readonly service: DhcpService;
  readonly #listeners = new Set<(change: RegistryChange) => void>();

  constructor(
    config: ConfigInput,
    options: {
      readonly probe?: AddressProbe;
      readonly store?: MemoryStore;
      readonly leases?: LeaseStore;
      readonly clock?: FakeClock;
    },
  ) {
    this.clock = options.clock ?? new FakeClock();
    this.store = options.store ?? new MemoryStore();
    this.service = createDhcpService({
      machines: {
        byMac: (mac) => [...this.machines.values()].find((machine) => machine.spec.mac === mac),
        list: () => [...this.machines.values()],
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
        noteSighting: (sighting, known) => void this.sightings.push({ sighting, known }),
      },
      leases: options.leases ?? this.store.leases,
      events: this.events,
      clock: this.clock,
      log: this.log,
      config: configSchema.parse(config),
      probe: options.probe,
    });
  }

  static async start(
    config: ConfigInput = LAN,
    options: {
      readonly probe?: AddressProbe;
      readonly store?: MemoryStore;
      readonly leases?: LeaseStore;
      readonly clock?: FakeClock;
      readonly machines?: readonly Machine[];
    } = {},
  ): Promise<DhcpBench> {
    const bench = new DhcpBench(config, options);
    for (const machine of options.machines ?? []) bench.machines.set(machine.name, machine);
    await bench.service.start(new AbortController().signal);
    return bench;
  }

  /** Registers or changes a machine while the answerer runs. */
  register(
    name: string,
    spec: Partial<MachineSpecInput>,
    fields: Partial<Omit<Machine, "spec" | "name">> = {},
  ): Machine {
    const machine = aMachine({ name, spec, ...fields });
    const before = this.machines.get(name);
    this.machines.set(name, machine);
    for (const listener of this.#listeners) listener({ kind: "changed", machine, before });
    return machine;
  }

  /** Sends bytes or a packet to the answerer. */
  answer(
    packet: DhcpPacket | Uint8Array,
    arrival: Partial<Omit<DhcpDatagram, "bytes">> = {},
  ): Promise<DhcpOutcome> {
    const bytes = packet instanceof Uint8Array ? packet : encodeDhcp(packet).bytes;
    return this.service.answer({
      bytes,
      source: { address: "0.0.0.0", port: 68 },
      listener: "server",
      interfaceAddress: SERVER,
      ...arrival,
    });
  }

  /** Sends a packet and reads the reply; throws when there is none. */
  async ask(
    fields: ClientPacket = {},
    arrival: Partial<Omit<DhcpDatagram, "bytes">> = {},
  ): Promise<Received> {
    const outcome = await this.answer(clientPacket(fields), arrival);
    if (outcome.kind === "ignored") throw new Error(`no reply: ${outcome.reason}`);
    return received(outcome);
  }

  /** Sends a packet that must get no reply; the reason of the silence. */
  async silence(
    fields: ClientPacket = {},
    arrival: Partial<Omit<DhcpDatagram, "bytes">> = {},
  ): Promise<string> {
    const outcome = await this.answer(clientPacket(fields), arrival);
    if (outcome.kind === "ignored") return outcome.reason;
    throw new Error(`unexpected reply: ${outcome.decision.reply ?? "?"}`);
  }

  /** DISCOVER, OFFER, REQUEST, ACK. */
  async lease(
    fields: ClientPacket = {},
    arrival: Partial<Omit<DhcpDatagram, "bytes">> = {},
  ): Promise<Received> {
    const offer = await this.ask(fields, arrival);
    return this.ask(selecting(offer, fields), arrival);
  }
}

/** The REQUEST that takes an offer. */
export function selecting(offer: Received, fields: ClientPacket = {}): ClientPacket {
  const server = offer.packet.options.get(OPTION.serverId)!;
  const options = { ...fields.options, [OPTION.requestedAddress]: offer.yiaddr, [OPTION.serverId]: server };
  return { ...fields, type: "request", options };
}

export function received(outcome: DhcpOutcome & { kind: "send" }): Received {
  const packet = decodeDhcp(outcome.bytes);
  if (packet instanceof DecodeError) throw packet;
  return {
    packet,
    type: packet.options.u8(OPTION.messageType),
    yiaddr: formatIpv4(packet.yiaddr),
    to: `${outcome.to.address}:${outcome.to.port}`,
    bytes: outcome.bytes,
  };
}
