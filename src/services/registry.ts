/**
 * The roll of machines: read from memory on every packet, written through the store one change after the other.
 * Memory shows a change only after it is durable.
 */
import type { TransitionOutcome } from "../domain/lifecycle.ts";
import type { LifecycleEvent } from "../domain/lifecycle-events.ts";
import type { BootOverride, Machine, Sighting } from "../domain/machine.ts";
import type { MachineSpec } from "../domain/machine-spec.ts";
import type { MachineLookup } from "./ports.ts";

/** Told about every packet that says something about a machine; cheap enough to be called on each. */
export interface SightingSink {
  noteSighting(sighting: Sighting, known: Machine | undefined): void;
}

/** What a subscriber hears; after it was made durable. */
export type RegistryChange =
  | { readonly kind: "changed"; readonly machine: Machine; readonly before: Machine | undefined }
  | { readonly kind: "removed"; readonly machine: Machine };

/** Who asked, as in events: `api:<token name>`, `cli`, `installer`, `node`, `http`, `watchdog`, `dhcp`. */
export type Source = string;

/** A MAC that nobody registered, as last seen. */
export interface UnknownMachine {
  readonly sighting: Sighting;
  readonly firstSeenAt: number;
  readonly count: number;
}

export interface RegisterRequest {
  /** Made from the boot MAC when left out. */
  readonly name?: string | undefined;
  readonly spec: MachineSpec;
}

export interface UpdateRequest {
  readonly spec: MachineSpec;
  /** Refused with a ConflictError when the machine has moved on from this revision. */
  readonly revision?: number | undefined;
}

/**
 * Methods of persons (register, update, approve, …) reject with NotFoundError, ConflictError or TransitionError;
 * `apply` is for reports and packets, where a refusal is an expected outcome and comes back as a value.
 * Every accepted or refused event is recorded with its source.
 */
export interface Registry extends MachineLookup, SightingSink {
  /** All machines, by name. */
  list(): readonly Machine[];
  /** The machine last seen at an address: a hint for people, never an identity. */
  bySeenAddress(address: string): Machine | undefined;
  /** MACs that asked but belong to no machine, newest first; bounded. */
  unknown(): readonly UnknownMachine[];
  register(request: RegisterRequest, source: Source): Promise<Machine>;
  update(name: string, request: UpdateRequest, source: Source): Promise<Machine>;
  /** `discovered` becomes `registered`, optionally with another spec. */
  approve(name: string, request: { readonly spec?: MachineSpec }, source: Source): Promise<Machine>;
  retire(name: string, source: Source): Promise<Machine>;
  /** Forgets a machine that is retired or was only discovered. */
  remove(name: string, source: Source): Promise<void>;
  /** A failed installation, once more. */
  retry(name: string, source: Source): Promise<Machine>;
  /** What the next network boot gets, once; undefined takes a standing override back. */
  setBootOverride(name: string, override: BootOverride | undefined, source: Source): Promise<Machine>;
  /** Ends a hold: a person says that what the registry holds about this machine is true. */
  confirm(name: string, source: Source): Promise<Machine>;
  hold(name: string, reason: string, source: Source): Promise<Machine>;
  /** Runs one lifecycle event; rejects only with NotFoundError or when the store fails. */
  apply(name: string, event: LifecycleEvent, source: Source): Promise<TransitionOutcome>;
  /** Called after every durable change; returns the function that ends the subscription. */
  subscribe(listener: (change: RegistryChange) => void): () => void;
}
