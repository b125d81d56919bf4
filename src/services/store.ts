/**
 * Everything the appliance keeps: one asynchronous port, without a word of SQL, that memory, SQLite and later
 * PostgreSQL implement. Every promise resolves after the change is durable (a power cut does not undo it) and rejects
 * with a MusterError of code `unavailable` when the store cannot be written, or `conflict` for an older revision.
 */
import type { ClusterRecord } from "../domain/cluster/cluster-record.ts";
import type { Resource, StoredResource } from "../domain/cluster/resource.ts";
import type { Machine } from "../domain/machine.ts";
import type { AssetStore } from "./assets/assets.ts";
import type { LeaseStore, LogLine, StoredEvent, TicketRecord, TokenRecord } from "./ports.ts";

/** One change to the machines. `previous` is the revision it was made from, undefined for a new machine. */
export type MachineChange =
  | { readonly kind: "save"; readonly machine: Machine; readonly previous: number | undefined }
  | { readonly kind: "remove"; readonly name: string };

/** One change to the resource documents, as for machines. */
export type ResourceChange =
  | { readonly kind: "save"; readonly resource: StoredResource; readonly previous: number | undefined }
  | { readonly kind: "remove"; readonly resource: Pick<Resource, "kind" | "name"> };

export interface MachineStore {
  all(): Promise<readonly Machine[]>;
  /**
   * Applies all changes or none, those to machines and those to the documents they come from together; rejects with a
   * ConflictError when a stored revision is not the `previous` one.
   */
  commit(changes: readonly MachineChange[], resources?: readonly ResourceChange[]): Promise<void>;
}

/** The documents that were applied; they are written together with the machines they describe. */
export interface ResourceStore {
  all(): Promise<readonly StoredResource[]>;
}

export interface EventQuery {
  readonly machine?: string | undefined;
  readonly mac?: string | undefined;
  /** Only events with a larger id. */
  readonly after?: number | undefined;
  /** Only events with a smaller id. */
  readonly before?: number | undefined;
  readonly level?: StoredEvent["level"] | undefined;
  /** At most this many: the first ones after `after`, otherwise the newest ones. */
  readonly limit: number;
}

export interface EventStore {
  append(events: readonly StoredEvent[]): Promise<void>;
  /** Matching events, oldest first. */
  list(query: EventQuery): Promise<readonly StoredEvent[]>;
  /** The largest id stored, 0 when there is none. */
  lastId(): Promise<number>;
  /** Drops the oldest until `keep` remain; returns how many went. */
  prune(keep: number): Promise<number>;
}

export interface TicketStore {
  byHash(hash: string): Promise<TicketRecord | undefined>;
  forMachine(machine: string): Promise<readonly TicketRecord[]>;
  /** Writes and removes in one step. */
  commit(changes: {
    readonly put: readonly TicketRecord[];
    readonly remove: readonly string[];
  }): Promise<void>;
  /** Drops what expired before `time`; returns how many went. */
  prune(time: number): Promise<number>;
}

export interface TokenStore {
  all(): Promise<readonly TokenRecord[]>;
  /** Inserts or replaces by id. */
  put(token: TokenRecord): Promise<void>;
}

export interface LogQuery {
  readonly machine: string;
  readonly generation?: number | undefined;
  /** Only lines with a larger id. */
  readonly after?: number | undefined;
  /** At most this many: the first ones after `after`, otherwise the newest ones. */
  readonly limit: number;
}

export interface InstallerLogStore {
  append(lines: readonly LogLine[]): Promise<void>;
  /** Matching lines, oldest first. */
  list(query: LogQuery): Promise<readonly LogLine[]>;
  lastId(): Promise<number>;
  /** Drops the oldest lines of one installation until `keep` remain. */
  prune(bounds: {
    readonly machine: string;
    readonly generation: number;
    readonly keep: number;
  }): Promise<number>;
  /** Drops everything about a machine before a generation. */
  dropBefore(bounds: { readonly machine: string; readonly generation: number }): Promise<number>;
}

/** Small facts that outlive a restart, as JSON values under a dotted key. */
export interface SettingStore {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  remove(key: string): Promise<void>;
}

/**
 * Who a machine of one generation is: first the hashes of the enrolment secrets handed out in its install documents,
 * then the key that exchanged one of them for a certificate.
 */
export interface NodeIdentityRecord {
  readonly machine: string;
  readonly generation: number;
  /** SHA-256 in hex of every secret handed out and not yet exchanged. */
  readonly secretHashes: readonly string[];
  /** SHA-256 in hex of the public key (SubjectPublicKeyInfo). */
  readonly keyHash?: string;
  readonly serial?: string;
  /** The certificate as PEM, so that the same key may ask for it again. */
  readonly certificate?: string;
  readonly enrolledAt?: number;
  readonly expiresAt?: number;
  /** When the machine confirmed that it holds its secrets. */
  readonly confirmedAt?: number;
  readonly revokedAt?: number;
}

export interface NodeIdentityStore {
  get(machine: string, generation: number): Promise<NodeIdentityRecord | undefined>;
  forMachine(machine: string): Promise<readonly NodeIdentityRecord[]>;
  byKeyHash(keyHash: string): Promise<NodeIdentityRecord | undefined>;
  bySerial(serial: string): Promise<NodeIdentityRecord | undefined>;
  /** Inserts or replaces by (machine, generation). */
  put(record: NodeIdentityRecord): Promise<void>;
  /** Revokes every identity of the machine up to and including a generation. */
  revoke(identity: { readonly machine: string; readonly upTo: number; readonly at: number }): Promise<void>;
}

/** How far each cluster's assembly has come. */
export interface ClusterStore {
  all(): Promise<readonly ClusterRecord[]>;
  /** Inserts or replaces; rejects with a ConflictError unless the stored revision is the one before. */
  put(record: ClusterRecord): Promise<void>;
  remove(cluster: string): Promise<void>;
}

/** `ok` in working order; otherwise one sentence that says what is wrong and what to do. */
export type StoreHealth =
  | { readonly ok: true; readonly schema: number; readonly bytes: number }
  | { readonly ok: false; readonly reason: string };

export interface Store {
  readonly machines: MachineStore;
  readonly resources: ResourceStore;
  readonly leases: LeaseStore;
  readonly events: EventStore;
  readonly tickets: TicketStore;
  readonly tokens: TokenStore;
  readonly assets: AssetStore;
  readonly installerLog: InstallerLogStore;
  readonly settings: SettingStore;
  readonly identities: NodeIdentityStore;
  readonly clusters: ClusterStore;
  /** Tries a write; never rejects. */
  health(): Promise<StoreHealth>;
  /** Copies the whole store, consistent and while it is in use, into a new file. */
  backupTo(file: string): Promise<void>;
  close(): Promise<void>;
}
