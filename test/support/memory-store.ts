/** The store in memory: passes the same contract suite as SQLite, and breaks on demand. */
import type { ClusterRecord } from "../../src/domain/cluster/cluster-record.ts";
import { keyOf, type StoredResource } from "../../src/domain/cluster/resource.ts";
import { ConflictError, MusterError } from "../../src/domain/errors.ts";
import type { Machine } from "../../src/domain/machine.ts";
import type { AssetStore } from "../../src/services/assets/assets.ts";
import type {
  AssetRecord,
  LeaseRecord,
  LeaseStore,
  LogLine,
  StoredEvent,
  TicketRecord,
  TokenRecord,
} from "../../src/services/ports.ts";
import type {
  ClusterStore,
  EventQuery,
  EventStore,
  InstallerLogStore,
  LogQuery,
  MachineChange,
  MachineStore,
  NodeIdentityRecord,
  NodeIdentityStore,
  ResourceChange,
  ResourceStore,
  SettingStore,
  Store,
  StoreHealth,
  TicketStore,
  TokenStore,
} from "../../src/services/store.ts";

export class MemoryStore implements Store {
  /** While set, everything rejects with it, as with a full disk. */
  broken: MusterError | undefined;
  /** Transactions so far. */
  commits = 0;

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

  constructor() {
    const run: Run = (work) => this.#run(work);
    const machines = new Map<string, Machine>();
    const tickets = new Map<string, TicketRecord>();
    const identities = new Map<string, NodeIdentityRecord>();
    const lines: { all: LogLine[] } = { all: [] };
    const refer = (machine: string): void => {
      if (!machines.has(machine)) throw new ConflictError("the machine this belongs to does not exist");
    };
    const cascade = (name: string): void => {
      dropWhere(tickets, ({ machine }) => machine === name);
      dropWhere(identities, ({ machine }) => machine === name);
      lines.all = lines.all.filter(({ machine }) => machine !== name);
    };
    const resources = new Map<string, StoredResource>();
    this.machines = machineStore(run, { machines, resources, cascade });
    this.resources = {
      all: () => run(() => [...resources.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))),
    };
    this.leases = leaseStore(run);
    this.events = eventStore(run);
    this.tickets = ticketStore(run, tickets, refer);
    this.tokens = tokenStore(run);
    this.assets = assetStore(run);
    this.installerLog = installerLogStore(run, lines);
    this.settings = settingStore(run);
    this.identities = identityStore(run, identities, refer);
    this.clusters = clusterStore(run);
  }

  /** From now on everything fails like a store without space. */
  break(message = "the database cannot be written: the disk is full"): void {
    this.broken = new MusterError("unavailable", message);
  }

  health(): Promise<StoreHealth> {
    if (this.broken) return Promise.resolve({ ok: false, reason: this.broken.message });
    return Promise.resolve({ ok: true, schema: 1, bytes: 0 });
  }

  backupTo(): Promise<void> {
    return Promise.reject(new MusterError("unavailable", "a store in memory has no file to back up"));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #run<T>(work: () => T): Promise<T> {
    if (this.broken) return Promise.reject(this.broken);
    this.commits++;
    return Promise.resolve().then(work);
  }
}

type Run = <T>(work: () => T) => Promise<T>;

function dropWhere<T>(records: Map<string, T>, test: (record: T) => boolean): void {
  for (const [key, record] of records) if (test(record)) records.delete(key);
}

interface MachineRecords {
  readonly machines: Map<string, Machine>;
  readonly resources: Map<string, StoredResource>;
  readonly cascade: (machine: string) => void;
}

function machineStore(run: Run, { machines, resources, cascade }: MachineRecords): MachineStore {
  const checkResource = (change: ResourceChange): void => {
    if (change.kind === "remove") return;
    const { kind, name } = change.resource;
    if (resources.get(keyOf(change.resource))?.revision !== change.previous)
      throw new ConflictError(`${kind} ${name} was changed meanwhile`);
  };
  const check = (change: MachineChange): void => {
    if (change.kind === "remove") return;
    const stored = machines.get(change.machine.name)?.revision;
    if (stored !== change.previous)
      throw new ConflictError(`machine ${change.machine.name} was changed meanwhile`);
  };
  return {
    all: () => run(() => [...machines.values()].sort((a, b) => (a.name < b.name ? -1 : 1))),
    commit: (changes, documents = []) =>
      run(() => {
        const before = new Map(machines);
        try {
          documents.forEach(checkResource);
          for (const change of changes) {
            check(change);
            if (change.kind === "save") machines.set(change.machine.name, change.machine);
            else machines.delete(change.name);
          }
        } catch (error) {
          machines.clear();
          for (const [name, machine] of before) machines.set(name, machine);
          throw error;
        }
        for (const name of before.keys()) if (!machines.has(name)) cascade(name);
        for (const change of documents) {
          if (change.kind === "save") resources.set(keyOf(change.resource), change.resource);
          else resources.delete(keyOf(change.resource));
        }
      }),
  };
}

function leaseStore(run: Run): LeaseStore {
  const leases = new Map<string, LeaseRecord>();
  return {
    all: () => run(() => [...leases.values()]),
    commit: (records) => run(() => records.forEach((record) => leases.set(record.address, record))),
  };
}

function eventStore(run: Run): EventStore {
  let events: StoredEvent[] = [];
  const fits = (event: StoredEvent, query: EventQuery): boolean =>
    (query.machine === undefined || event.machine === query.machine) &&
    (query.mac === undefined || event.mac === query.mac) &&
    (query.level === undefined || event.level === query.level) &&
    (query.after === undefined || event.id > query.after) &&
    (query.before === undefined || event.id < query.before);
  return {
    append: (added) => run(() => void events.push(...added)),
    list: (query) =>
      run(() => {
        const found = events.filter((event) => fits(event, query));
        return query.after === undefined ? found.slice(-query.limit) : found.slice(0, query.limit);
      }),
    lastId: () => run(() => events.at(-1)?.id ?? 0),
    prune: (keep) =>
      run(() => {
        const gone = Math.max(0, events.length - keep);
        events = events.slice(gone);
        return gone;
      }),
  };
}

function ticketStore(
  run: Run,
  tickets: Map<string, TicketRecord>,
  refer: (machine: string) => void,
): TicketStore {
  return {
    byHash: (hash) => run(() => tickets.get(hash)),
    forMachine: (machine) => run(() => [...tickets.values()].filter((ticket) => ticket.machine === machine)),
    commit: ({ put, remove }) =>
      run(() => {
        for (const ticket of put) refer(ticket.machine);
        for (const hash of remove) tickets.delete(hash);
        for (const ticket of put) tickets.set(ticket.hash, ticket);
      }),
    prune: (time) =>
      run(() => {
        const gone = [...tickets.values()].filter((ticket) => ticket.expiresAt < time);
        for (const ticket of gone) tickets.delete(ticket.hash);
        return gone.length;
      }),
  };
}

function tokenStore(run: Run): TokenStore {
  const tokens = new Map<string, TokenRecord>();
  return {
    all: () => run(() => [...tokens.values()]),
    put: (token) => run(() => void tokens.set(token.id, token)),
  };
}

function assetStore(run: Run): AssetStore {
  const assets = new Map<string, AssetRecord>();
  return {
    all: () => run(() => [...assets.values()]),
    put: (records) => run(() => records.forEach((record) => assets.set(record.path, record))),
    remove: (paths) => run(() => paths.forEach((path) => assets.delete(path))),
  };
}

function installerLogStore(run: Run, lines: { all: LogLine[] }): InstallerLogStore {
  const fits = (line: LogLine, query: LogQuery): boolean =>
    line.machine === query.machine &&
    (query.generation === undefined || line.generation === query.generation) &&
    (query.after === undefined || line.id > query.after);
  const drop = (gone: ReadonlySet<LogLine>): number => {
    lines.all = lines.all.filter((line) => !gone.has(line));
    return gone.size;
  };
  return {
    append: (added) => run(() => void lines.all.push(...added)),
    list: (query) =>
      run(() => {
        const found = lines.all.filter((line) => fits(line, query));
        return query.after === undefined ? found.slice(-query.limit) : found.slice(0, query.limit);
      }),
    lastId: () => run(() => lines.all.at(-1)?.id ?? 0),
    prune: ({ machine, generation, keep }) =>
      run(() => {
        const own = lines.all.filter((line) => line.machine === machine && line.generation === generation);
        return drop(new Set(own.slice(0, Math.max(0, own.length - keep))));
      }),
    dropBefore: ({ machine, generation }) =>
      run(() =>
        drop(new Set(lines.all.filter((line) => line.machine === machine && line.generation < generation))),
      ),
  };
}

function settingStore(run: Run): SettingStore {
  const settings = new Map<string, string>();
  return {
    get: (key) =>
      run(() => JSON.parse(settings.get(key) ?? "null") as unknown).then((value) => value ?? undefined),
    put: (key, value) => run(() => void settings.set(key, JSON.stringify(value))),
    remove: (key) => run(() => void settings.delete(key)),
  };
}

function identityStore(
  run: Run,
  identities: Map<string, NodeIdentityRecord>,
  refer: (machine: string) => void,
): NodeIdentityStore {
  const keyOf = (machine: string, generation: number): string => `${machine}/${generation}`;
  const find = (test: (record: NodeIdentityRecord) => boolean): NodeIdentityRecord[] =>
    [...identities.values()].filter(test).sort((a, b) => a.generation - b.generation);
  return {
    get: (machine, generation) => run(() => identities.get(keyOf(machine, generation))),
    forMachine: (machine) => run(() => find((record) => record.machine === machine)),
    byKeyHash: (keyHash) => run(() => find((record) => record.keyHash === keyHash)[0]),
    bySerial: (serial) => run(() => find((record) => record.serial === serial)[0]),
    put: (record) =>
      run(() => {
        refer(record.machine);
        const key = keyOf(record.machine, record.generation);
        const other = find((one) => record.keyHash !== undefined && one.keyHash === record.keyHash)[0];
        if (other && keyOf(other.machine, other.generation) !== key) {
          throw new ConflictError(`the key belongs to ${other.machine}`);
        }
        identities.set(key, record);
      }),
    revoke: ({ machine, upTo, at }) =>
      run(() => {
        for (const record of find((one) => one.machine === machine && one.generation <= upTo)) {
          const revokedAt = record.revokedAt ?? at;
          identities.set(keyOf(machine, record.generation), { ...record, revokedAt });
        }
      }),
  };
}

function clusterStore(run: Run): ClusterStore {
  const clusters = new Map<string, ClusterRecord>();
  return {
    all: () => run(() => [...clusters.values()].sort((a, b) => (a.cluster < b.cluster ? -1 : 1))),
    put: (record) =>
      run(() => {
        const stored = clusters.get(record.cluster)?.revision ?? 0;
        if (stored !== record.revision - 1)
          throw new ConflictError(`the state of cluster ${record.cluster} was changed meanwhile`);
        clusters.set(record.cluster, structuredClone(record));
      }),
    remove: (cluster) => run(() => void clusters.delete(cluster)),
  };
}
