/** The documents that describe the rack: judged together, applied all or nothing, and the same ones twice change nothing. */
import { changeFaults, memberChangeFaults } from "../../domain/cluster/change-faults.ts";
import { type Judgement, judgeClusters } from "../../domain/cluster/cluster-faults.ts";
import type { RackFacts } from "../../domain/cluster/finding.ts";
import { faultIn } from "../../domain/cluster/inherit.ts";
import { loneMachineFaults } from "../../domain/cluster/machine-faults.ts";
import { type ClusterView, clusterView } from "../../domain/cluster/members.ts";
import {
  faultAt,
  keyOf,
  type PlacedResource,
  type Resource,
  type ResourceKind,
  type StoredResource,
} from "../../domain/cluster/resource.ts";
import {
  type Resolution,
  type ResolvedMachine,
  resolveResources,
} from "../../domain/cluster/resource-set.ts";
import { ConfigError, type Fault, NotFoundError } from "../../domain/errors.ts";
import type { LifecycleLimits } from "../../domain/lifecycle-events.ts";
import type { Clusters } from "../clusters.ts";
import { inUse, type MachineBatches } from "../machine-batch.ts";
import type { Clock, EventSink, Log, Service } from "../ports.ts";
import type { Registry, Source } from "../registry.ts";
import type { ResourceChange, ResourceStore } from "../store.ts";
import {
  type ApplyPlan,
  appliedWords,
  changesNothing,
  planForgotten,
  planMachine,
  planResources,
} from "./apply-plan.ts";
import { ClusterDirectory, counts } from "./cluster-directory.ts";
import { type Change, documentChanges } from "./document-changes.ts";
import { nodeChanges, planFaults } from "./node-changes.ts";
import type { ReadResult } from "./read-documents.ts";

export interface ResourcesOptions {
  readonly store: ResourceStore;
  readonly registry: Registry & MachineBatches;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: LifecycleLimits;
  /** The appliance and its network, as they are now. */
  readonly facts: () => RackFacts;
  /** Whether a cluster has begun to exist: from then on parts of its description are fixed. */
  readonly begun: (cluster: string) => boolean;
}

/** A change that may be made, and everything it means. */
interface Decision {
  readonly plan: ApplyPlan;
  readonly after: Resolution;
  readonly forget: readonly string[];
  readonly documents: readonly ResourceChange[];
}

export class Resources implements Service {
  readonly #options: ResourcesOptions;
  readonly #directory: ClusterDirectory;
  readonly #stored = new Map<string, StoredResource>();
  #stopFollowing: (() => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ResourcesOptions) {
    this.#options = options;
    this.#directory = new ClusterDirectory(options);
  }

  /** The clusters and their members, for everybody who only reads. */
  get clusters(): Clusters {
    return this.#directory;
  }

  /** Reads the documents into memory; the registry has been started before. */
  async start(): Promise<void> {
    for (const resource of await this.#options.store.all()) this.#stored.set(keyOf(resource), resource);
    const { clusters, faults } = resolveResources([...this.#stored.values()].map(unplaced));
    for (const fault of faults)
      this.#options.log.error({ fault }, "a document applied earlier is not valid any more");
    this.#stopFollowing ??= this.#directory.follow();
    this.#directory.replace(clusters);
  }

  async stop(): Promise<void> {
    this.#stopFollowing?.();
    this.#stopFollowing = undefined;
    await this.#last;
  }

  /** The documents of a kind, by name. */
  list(kind: ResourceKind): readonly StoredResource[] {
    const found = [...this.#stored.values()].filter((resource) => resource.kind === kind);
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(kind: ResourceKind, name: string): StoredResource | undefined {
    return this.#stored.get(keyOf({ kind, name }));
  }

  /** What stands against a machine that is registered or changed by itself. */
  faultsOf(machine: Pick<ResolvedMachine, "name" | "spec">): readonly Fault[] {
    return loneMachineFaults(machine, { clusters: this.#directory.list(), facts: this.#options.facts() });
  }

  /** What `apply` would do with these documents. @throws ConfigError with every fault of theirs */
  plan(read: ReadResult): ApplyPlan {
    return this.#decide({ put: accepted(read), remove: [] }).plan;
  }

  /**
   * Makes these documents true, all of them or none.
   * @throws ConfigError with every fault; ConflictError or TransitionError when the rack changed meanwhile.
   */
  apply(read: ReadResult, source: Source): Promise<ApplyPlan> {
    return this.#alone(() => this.#carryOut({ put: accepted(read), remove: [] }, source));
  }

  /** Drops a document, and the machines that only it described. @throws NotFoundError, ConfigError */
  remove(kind: ResourceKind, name: string, source: Source): Promise<ApplyPlan> {
    return this.#alone(() => {
      const resource = this.get(kind, name);
      if (!resource) throw new NotFoundError(this.#notApplied(kind, name));
      return this.#carryOut({ put: [], remove: [resource] }, source);
    });
  }

  #notApplied(kind: ResourceKind, name: string): string {
    const missing = `there is no ${kind} named ${name} among the documents applied`;
    const cluster = kind === "Machine" ? this.#options.registry.byName(name)?.spec.cluster : undefined;
    if (cluster === undefined) return missing;
    return `${missing}; machine ${name} is one of the machines that Cluster ${cluster} counts: take its MAC out there and apply it`;
  }

  // One change after the other: each is judged against what the one before it left.
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #carryOut(change: Change, source: Source): Promise<ApplyPlan> {
    const { plan, after, forget, documents } = this.#decide(change);
    if (changesNothing(plan)) return plan;
    await this.#options.registry.applyBatch({ machines: after.machines, forget, documents }, source);
    for (const { kind, resource } of documents) {
      if (kind === "save") this.#stored.set(keyOf(resource), resource);
      else this.#stored.delete(keyOf(resource));
    }
    this.#directory.replace(after.clusters);
    this.#options.events.record({ type: "documents-applied", source, message: appliedWords(plan) });
    return plan;
  }

  #decide(change: Change): Decision {
    const { registry, clock, limits } = this.#options;
    const before = resolveResources([...this.#stored.values()].map(unplaced));
    const after = resolveResources(this.#documentsAfter(change));
    if (after.faults.length > 0) throw refusal(after.faults);
    const forget = namesOf(before).filter(
      (name) => !new Set(namesOf(after)).has(name) && registry.byName(name),
    );
    const { faults, warnings } = this.#judge(after, forget);
    const all = [...faults, ...this.#changeFaults(before, after), ...this.#useFaults(change, forget)];
    if (all.length > 0) throw refusal(all);
    const { subnets } = this.#options.facts();
    const nodes = nodeChanges(this.#directory.list(), this.#clustersAfter(after, forget), subnets);
    if (nodes.faults.length > 0) throw refusal(planFaults(nodes, after));
    const context = { now: clock.now(), limits };
    const plan: ApplyPlan = {
      resources: planResources(this.#stored, change),
      machines: [
        ...after.machines.map((machine) => {
          const payload = nodes.changes.get(machine.name);
          return planMachine(machine, registry.byName(machine.name), { ...context, payload });
        }),
        ...forget
          .flatMap((name) => registry.byName(name) ?? [])
          .map((machine) => planForgotten(machine, context)),
      ],
      warnings: [...warnings, ...this.#retired(after)],
    };
    return {
      plan,
      after,
      forget,
      documents: documentChanges(change, { plan, stored: this.#stored, now: clock.now() }),
    };
  }

  /** The clusters as they would be: machines without a document stay members, retired ones are none. */
  #clustersAfter(after: Resolution, forget: readonly string[]): readonly ClusterView[] {
    const gone = new Set([...forget, ...namesOf(after)]);
    const others = this.#options.registry.list().filter((each) => counts(each) && !gone.has(each.name));
    const described = after.machines.filter(({ name, spec }) => {
      const machine = this.#options.registry.byName(name);
      return machine?.state !== "retired" || machine.spec.mac !== spec.mac;
    });
    const machines = [...others, ...described];
    return after.clusters.map(({ name, spec }) => clusterView({ name, spec }, machines));
  }

  #documentsAfter({ put, remove }: Change): readonly PlacedResource[] {
    const after = new Map([...this.#stored].map(([key, resource]) => [key, unplaced(resource)]));
    for (const resource of remove) after.delete(keyOf(resource));
    for (const resource of put) after.set(keyOf(resource), resource);
    return [...after.values()];
  }

  #judge(after: Resolution, forget: readonly string[]): Judgement {
    const described = new Set([...namesOf(after), ...forget]);
    const others = this.#options.registry
      .list()
      .filter((machine) => counts(machine) && !described.has(machine.name));
    const orphans = others.flatMap(({ name, spec }): Fault[] => {
      const { cluster } = spec;
      if (cluster === undefined || !this.#directory.get(cluster)) return [];
      if (after.clusters.some((each) => each.name === cluster)) return [];
      return [
        { path: `Cluster ${cluster}`, message: `machine ${name} belongs to it; retire the machine first` },
      ];
    });
    const { faults, warnings } = judgeClusters(after, { facts: this.#options.facts(), others });
    return { faults: [...orphans, ...faults], warnings };
  }

  #changeFaults(before: Resolution, after: Resolution): readonly Fault[] {
    const { registry, begun } = this.#options;
    const clusters = after.clusters.flatMap(({ name, spec, resource }) => {
      const old = before.clusters.find((each) => each.name === name);
      if (!old || !begun(name)) return [];
      return changeFaults(old.spec, spec, (path, message) => faultAt(resource, path, message));
    });
    const members = after.machines.flatMap(({ name, spec, layers }) => {
      const machine = registry.byName(name);
      if (!machine || !begun(machine.spec.cluster ?? "")) return [];
      return memberChangeFaults(machine, spec, (path, message) => faultIn(layers, path, message));
    });
    return [...clusters, ...members];
  }

  #useFaults({ put, remove }: Change, forget: readonly string[]): readonly Fault[] {
    return forget.flatMap((name): Fault[] => {
      const machine = this.#options.registry.byName(name);
      const reason = machine && inUse(machine);
      if (machine === undefined || reason === undefined) return [];
      const [gone] = remove;
      const owner = put.find((each) => each.kind === "Cluster" && each.name === machine.spec.cluster);
      const message = `no document describes it any more, but ${reason}`;
      if (owner) return [faultAt(owner, ["machines"], `${name}: ${message}`)];
      return [{ path: gone ? `${gone.kind} ${gone.name}` : `Machine ${name}`, message }];
    });
  }

  /** Machines that were retired on purpose stay so; a document that still describes one is worth a word. */
  #retired(after: Resolution): readonly Fault[] {
    return after.machines.flatMap(({ name, spec, owner }) => {
      const machine = this.#options.registry.byName(name);
      if (machine?.state !== "retired" || machine.spec.mac !== spec.mac) return [];
      const message = `${name} is retired and stays so; \`muster register ${spec.mac} --name ${name}\` takes it back`;
      return [faultAt(owner, [], message)];
    });
  }
}

function accepted({ resources, faults }: ReadResult): readonly PlacedResource[] {
  if (faults.length > 0) throw refusal(faults);
  return resources;
}

function refusal(faults: readonly Fault[]): ConfigError {
  const count = faults.length === 1 ? "one fault" : `${faults.length} faults`;
  return new ConfigError(`the documents have ${count}; nothing was changed`, faults);
}

function namesOf({ machines }: Resolution): readonly string[] {
  return machines.map(({ name }) => name);
}

function unplaced(resource: Resource): PlacedResource {
  return { ...resource, placeOf: () => ({}) };
}
