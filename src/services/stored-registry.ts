/** The registry over a store: memory for reading, one writer for changes. */
import { ConflictError, TransitionError } from "../domain/errors.ts";
import { revise, type TransitionOutcome, transition } from "../domain/lifecycle.ts";
import type { LifecycleEvent, LifecycleLimits, TransitionContext } from "../domain/lifecycle-events.ts";
import { type BootOverride, type Machine, macsOf, type Sighting } from "../domain/machine.ts";
import { BatchWriter } from "./batch-writer.ts";
import { Discovery } from "./discovery.ts";
import { recordOf, updateRecord } from "./lifecycle-record.ts";
import type { BatchEntry, MachineBatch, MachineBatches } from "./machine-batch.ts";
import { defaultName, displaced, newMachine, requireMachine, requireTransition } from "./machine-changes.ts";
import { MachineIndex } from "./machine-index.ts";
import { MachineWriter } from "./machine-writer.ts";
import type { Clock, EventSink, Log, Service } from "./ports.ts";
import type {
  RegisterRequest,
  Registry,
  RegistryChange,
  Source,
  UnknownMachine,
  UpdateRequest,
} from "./registry.ts";
import { SightingWriter } from "./sighting-writer.ts";
import { Sightings } from "./sightings.ts";
import type { MachineStore } from "./store.ts";
import type { Timers } from "./timers.ts";

export interface RegistryOptions {
  readonly store: MachineStore;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly limits: LifecycleLimits;
  /** What becomes of machines that nobody registered: config `dhcp.unknown`. */
  readonly unknown: "ignore" | "discover";
}

export class StoredRegistry implements Registry, MachineBatches, Service {
  readonly #options: RegistryOptions;
  readonly #index = new MachineIndex();
  readonly #writer: MachineWriter;
  readonly #sightings = new Sightings();
  readonly #discovery: Discovery;
  readonly #listeners = new Set<(change: RegistryChange) => void>();
  readonly #batches: BatchWriter;
  readonly #sightingWriter: SightingWriter;
  #loaded = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#writer = new MachineWriter({
      index: this.#index,
      store: options.store,
      publish: (change) => {
        this.#publish(change);
      },
    });
    const writer = this.#writer;
    this.#discovery = new Discovery({ ...options, writer });
    this.#batches = new BatchWriter({ writer, events: options.events, context: () => this.#context() });
    this.#sightingWriter = new SightingWriter({ ...options, writer, sightings: this.#sightings });
  }

  /** Reads every machine into memory. */
  async start(): Promise<void> {
    if (!this.#loaded) await this.#load();
    this.#sightingWriter.start();
  }

  /** Writes what is still to be written. */
  async stop(): Promise<void> {
    await this.#sightingWriter.stop();
    await this.#writer.idle();
  }

  list(): readonly Machine[] {
    return this.#index.list();
  }

  byName(name: string): Machine | undefined {
    return this.#index.byName(name);
  }

  byMac(mac: string): Machine | undefined {
    return this.#index.byMac(mac);
  }

  bySeenAddress(address: string): Machine | undefined {
    return this.#index.byName(this.#sightings.nameAt(address) ?? "");
  }

  unknown(): readonly UnknownMachine[] {
    return this.#sightings.unknown();
  }

  subscribe(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  noteSighting(sighting: Sighting, known: Machine | undefined): void {
    if (known) {
      this.#sightings.noteKnown(known.name, sighting);
      return;
    }
    this.#sightings.noteUnknown(sighting);
    if (this.#options.unknown === "discover") this.#discovery.note(sighting);
  }

  async register(request: RegisterRequest, source: Source): Promise<Machine> {
    const name = request.name ?? defaultName(request.spec.mac);
    const machine = await this.#writer.write((draft) => {
      const displacing = displaced(draft, name, request.spec);
      const registered = this.#registered(draft.byName(name), { ...request, name });
      for (const other of displacing) draft.remove(other.name);
      draft.put(registered);
      return registered;
    });
    this.#record(machine, {
      type: "registered",
      source,
      message: `registered with ${macsOf(machine.spec).join(", ")}`,
    });
    return machine;
  }

  async update(name: string, request: UpdateRequest, source: Source): Promise<Machine> {
    const { before, after } = await this.#writer.write((draft) => {
      const machine = requireMachine(draft, name);
      if (request.revision !== undefined && request.revision !== machine.revision) {
        throw new ConflictError(
          `machine ${name} is at revision ${machine.revision}, not ${request.revision}: read it again`,
        );
      }
      if (machine.state === "retired")
        throw new TransitionError(`machine ${name} is retired: register it again`);
      if (JSON.stringify(machine.spec) === JSON.stringify(request.spec))
        return { before: machine, after: machine };
      const displacing = displaced(draft, name, request.spec);
      for (const other of displacing) draft.remove(other.name);
      const changed = revise(machine, { spec: request.spec }, this.#options.clock.now());
      draft.put(changed);
      return { before: machine, after: changed };
    });
    if (before !== after) this.#options.events.record(updateRecord(before, after, source));
    return after;
  }

  applyBatch(batch: MachineBatch, source: Source): Promise<readonly BatchEntry[]> {
    return this.#batches.applyBatch(batch, source);
  }

  async approve(
    name: string,
    request: { readonly spec?: Machine["spec"] },
    source: Source,
  ): Promise<Machine> {
    const event: LifecycleEvent = { type: "approved" };
    const { before, approved } = await this.#writer.write((draft) => {
      const machine = requireMachine(draft, name);
      const spec = request.spec ?? machine.spec;
      const next = { ...requireTransition(machine, event, this.#context()), spec };
      for (const other of displaced(draft, name, spec)) draft.remove(other.name);
      draft.put(next);
      return { before: machine, approved: next };
    });
    this.#recordLifecycle(before, event, { outcome: { ok: true, changed: true, machine: approved }, source });
    return approved;
  }

  async retire(name: string, source: Source): Promise<Machine> {
    return this.#ask(name, { type: "retired" }, source);
  }

  async remove(name: string, source: Source): Promise<void> {
    const machine = await this.#writer.write((draft) => {
      const found = requireMachine(draft, name);
      if (found.state !== "retired" && found.state !== "discovered") {
        throw new TransitionError(`machine ${name} is ${found.state}: retire it before it is forgotten`);
      }
      draft.remove(name);
      return found;
    });
    this.#record(machine, { type: "removed", source, message: "forgotten" });
  }

  async retry(name: string, source: Source): Promise<Machine> {
    return this.#ask(name, { type: "retry-requested" }, source);
  }

  async setBootOverride(name: string, override: BootOverride | undefined, source: Source): Promise<Machine> {
    const event: LifecycleEvent =
      override === undefined ? { type: "boot-override-cleared" } : { type: "boot-override-set", override };
    return this.#ask(name, event, source);
  }

  async confirm(name: string, source: Source): Promise<Machine> {
    return this.#ask(name, { type: "confirmed" }, source);
  }

  async hold(name: string, reason: string, source: Source): Promise<Machine> {
    return this.#ask(name, { type: "held", reason }, source);
  }

  async apply(name: string, event: LifecycleEvent, source: Source): Promise<TransitionOutcome> {
    const { before, outcome } = await this.#writer.write((draft) => {
      const machine = requireMachine(draft, name);
      const result = transition(machine, event, this.#context());
      if (result.ok && result.changed) draft.put(result.machine);
      return { before: machine, outcome: result };
    });
    this.#recordLifecycle(before, event, { outcome, source });
    return outcome;
  }

  async #load(): Promise<void> {
    for (const machine of await this.#options.store.all()) {
      this.#index.put(machine);
      this.#discovery.follow(machine, "kept");
      if (machine.seen?.address !== undefined)
        this.#sightings.noteAddress(machine.name, machine.seen.address);
    }
    this.#loaded = true;
  }

  // A person's request: a refusal is recorded like any other and thrown.
  async #ask(name: string, event: LifecycleEvent, source: Source): Promise<Machine> {
    const outcome = await this.apply(name, event, source);
    if (!outcome.ok) throw new TransitionError(`machine ${name}: ${outcome.reason}`);
    return outcome.machine;
  }

  #registered(existing: Machine | undefined, request: RegisterRequest & { readonly name: string }): Machine {
    const now = this.#options.clock.now();
    const { name, spec } = request;
    if (!existing) return newMachine({ name, spec, state: "registered", now });
    const sameMac = existing.spec.mac === spec.mac;
    if (existing.state === "retired") {
      return { ...requireTransition(existing, { type: "registered-again" }, this.#context()), spec };
    }
    if (existing.state === "discovered" && sameMac) {
      return { ...requireTransition(existing, { type: "approved" }, this.#context()), spec };
    }
    throw new ConflictError(`a machine named ${name} exists already, with the MAC ${existing.spec.mac}`);
  }

  #publish(change: RegistryChange): void {
    const { kind, machine } = change;
    this.#discovery.follow(machine, kind === "removed" ? "removed" : "kept");
    if (kind === "changed") this.#sightings.adopt(macsOf(machine.spec));
    else this.#sightings.forget(machine.name);
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#options.log.error(
          { err: error, machine: change.machine.name },
          "a listener of the registry failed",
        );
      }
    }
  }

  #recordLifecycle(
    before: Machine,
    event: LifecycleEvent,
    options: { readonly outcome: TransitionOutcome; readonly source: Source },
  ): void {
    const entry = recordOf(before, event, options);
    if (entry) this.#options.events.record(entry);
  }

  #record(
    machine: Machine,
    entry: {
      readonly type: string;
      readonly source: Source;
      readonly message: string;
      readonly data?: Record<string, unknown>;
    },
  ): void {
    this.#options.events.record({ machine: machine.name, mac: machine.spec.mac, ...entry });
  }

  #context(): TransitionContext {
    return { now: this.#options.clock.now(), limits: this.#options.limits };
  }
}
