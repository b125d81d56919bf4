/** What the DHCP answerer gives to the sockets, to `muster diagnose` and to the API. */
import type { IgnoreReason } from "../../domain/dhcp/ignore-reason.ts";
import type { LeaseRecord, Service } from "../ports.ts";

/** The socket a datagram arrived on: port 67, or 4011 of PXE boot servers. The answer leaves from the same one. */
export type DhcpListener = "server" | "boot-server";

/** One datagram as the socket received it. */
export interface DhcpDatagram {
  readonly bytes: Uint8Array;
  readonly source: { readonly address: string; readonly port: number };
  readonly listener: DhcpListener;
  /** The appliance's address on the interface that the datagram came in by. */
  readonly interfaceAddress: string;
  /** Monotonic milliseconds of its arrival, when it waited in a queue since. */
  readonly receivedAt?: number;
}

/** One decision, as `muster diagnose` tells it. */
export interface DecisionTrace {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Canonical MAC, or the client's key where it has no MAC. */
  readonly client: string;
  /** `DISCOVER`, `REQUEST`…; `BOOTP` or `?` where there is none. */
  readonly message: string;
  readonly listener: DhcpListener;
  readonly interfaceAddress: string;
  /** The relay that passed it on. */
  readonly giaddr?: string;
  readonly machine?: string;
  readonly architecture?: number;
  /** `OFFER`, `ACK`, `NAK`; absent when nothing was sent. */
  readonly reply?: string;
  readonly reason?: IgnoreReason;
  /** One sentence: why this answer, or why none. */
  readonly because: string;
  readonly address?: string;
  readonly bootFile?: string;
}

/** What became of a datagram. */
export type DhcpOutcome =
  | {
      readonly kind: "send";
      readonly bytes: Uint8Array;
      /** 255.255.255.255 means: broadcast on the interface of the datagram. */
      readonly to: { readonly address: string; readonly port: number };
      readonly decision: DecisionTrace;
    }
  | { readonly kind: "ignored"; readonly reason: IgnoreReason; readonly decision?: DecisionTrace };

/** Another DHCP server seen on the wire. */
export interface ForeignServer {
  /** Its server identifier (option 54), or where the packet came from. */
  readonly server: string;
  readonly source: string;
  readonly message: string;
  readonly client: string;
}

/** The same with when it last showed itself. */
export interface SeenServer extends ForeignServer {
  /** Epoch milliseconds. */
  readonly seenAt: number;
}

/** Answers one ping; task of an adapter. */
export interface AddressProbe {
  /** Resolves within the adapter's own time limit: whether something answered at that address. */
  probe(address: string): Promise<"free" | "in-use">;
}

/** Answers datagrams. Started after its store and registry; stopping waits for leases under way. */
export interface DhcpService extends Service {
  /** Never rejects: every datagram ends as an outcome. A reply is returned after its lease is durable. */
  answer(datagram: DhcpDatagram): Promise<DhcpOutcome>;
  /** The last decisions about a client, oldest first. */
  decisionsFor(mac: string): readonly DecisionTrace[];
  /** Leases as they stand in memory, expired ones included. */
  leases(): readonly LeaseRecord[];
  /** Counts since the start: replies by `sent:OFFER`…, silence by `ignored:<reason>`. */
  counters(): Readonly<Record<string, number>>;
  /** Other DHCP servers noticed since the start. */
  foreignServers(): readonly SeenServer[];
  /** Marks the transaction of a search for other servers, so that it is neither answered nor counted as a client. */
  expectProbe(xid: number): void;
}
