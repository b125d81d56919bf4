/**
 * What the use cases need from the outside world. Adapters implement these; tests use fakes named for what they are.
 */
import type { Machine } from "../domain/machine.ts";

/** Wall clock in epoch milliseconds, and a monotonic clock in milliseconds for durations. */
export interface Clock {
  now(): number;
  monotonic(): number;
}

/** Structured log with pino's calling convention: fields first, then the message. Nothing secret ever goes in. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A log whose lines carry these fields too. */
  child(fields: object): Log;
}

/** Everything that lives long: started in dependency order, stopped in reverse; both idempotent. */
export interface Service {
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/**
 * What became of a listener. `degraded` keeps the rest serving and is shown in readyz, on the page and in the log; `problem` is
 * one sentence with the fix.
 */
export type ListenerStatus =
  | { readonly name: string; readonly state: "off" }
  | { readonly name: string; readonly state: "listening"; readonly endpoints: readonly string[] }
  | { readonly name: string; readonly state: "degraded"; readonly problem: string };

/** One entry of the timeline. `machine` is a name; `mac` where no machine is known. */
export interface EventInput {
  readonly type: string;
  readonly machine?: string;
  readonly mac?: string;
  /** Who caused it: `dhcp`, `tftp`, `http`, `installer`, `node`, `api:<token name>`, `cli`, `watchdog`. */
  readonly source: string;
  readonly level?: "info" | "warning" | "alarm";
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface StoredEvent extends EventInput {
  readonly id: number;
  readonly at: number;
  readonly level: "info" | "warning" | "alarm";
}

/** Finds machines from memory: DHCP, TFTP and HTTP ask on every packet. */
export interface MachineLookup {
  byMac(mac: string): Machine | undefined;
  byName(name: string): Machine | undefined;
}

/** Records what happened; never throws and never waits for the disk. */
export interface EventSink {
  record(event: EventInput): void;
}

/** A DHCP lease as it is made durable. Times are epoch milliseconds. */
export interface LeaseRecord {
  readonly address: string;
  /** Key of the client: `mac:52:54:…` or `id:<hex>` (D-62, D-63). */
  readonly client: string;
  readonly mac?: string;
  readonly clientId?: string;
  readonly hostname?: string;
  readonly state: "bound" | "released" | "declined";
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly giaddr?: string;
  readonly circuitId?: string;
}

export interface LeaseStore {
  all(): Promise<readonly LeaseRecord[]>;
  /** Writes every record durably in one transaction; resolves after the commit. Keyed by address. */
  commit(records: readonly LeaseRecord[]): Promise<void>;
}

/** A ticket as stored: the token itself is only known to the machine, the store keeps its SHA-256. */
export interface TicketRecord {
  readonly hash: string;
  readonly machine: string;
  readonly generation: number;
  readonly expiresAt: number;
  readonly burnt: boolean;
  /** First use by the machine; a ticket in use outlives the ones that were only handed out. */
  readonly usedAt?: number;
}

/** An API token as stored. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly role: "admin" | "operator" | "viewer";
  readonly hash: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly lastUsedAt?: number;
  readonly revokedAt?: number;
}

/** One line of a machine's installer log. */
export interface LogLine {
  readonly id: number;
  readonly machine: string;
  readonly generation: number;
  readonly at: number;
  readonly program: string;
  readonly text: string;
}

/** A boot asset on disk. `path` is relative to the assets directory. */
export interface AssetRecord {
  readonly os: string;
  readonly architecture: string;
  readonly name: string;
  readonly path: string;
  readonly version: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly fetchedAt: number;
}
