/**
 * Identity of installed machines: the enrolment secret of a generation is exchanged for a client certificate on a key
 * that the machine made itself. From then on that key is the machine; a second key for the same generation is an alarm.
 */
import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { LifecycleState, Machine } from "../domain/machine.ts";
import type { EnrolmentSecrets } from "./install/ports.ts";
import type { Clock, EventSink } from "./ports.ts";
import type { Registry } from "./registry.ts";
import type { NodeIdentityRecord, NodeIdentityStore } from "./store.ts";

/** A public key whose holder has proven that it has the private one. */
export interface ProvenKey {
  readonly publicKey: KeyObject;
  /** SHA-256 in hex of the SubjectPublicKeyInfo. */
  readonly keyHash: string;
}

/** Reads signing requests and signs certificates; the appliance's authority. */
export interface NodeCertifier {
  read(
    csr: string,
  ):
    | { readonly kind: "proven"; readonly request: ProvenKey }
    | { readonly kind: "refused"; readonly reason: string };
  certify(node: { readonly machine: string; readonly generation: number; readonly publicKey: KeyObject }): {
    readonly pem: string;
    readonly serial: string;
    readonly expiresAt: number;
  };
  /** The authority's own certificate as PEM. */
  readonly authority: string;
}

export interface EnrolmentRequest {
  readonly machine: string;
  readonly generation: number;
  readonly secret: string;
  readonly csr: string;
}

/** Where a request came from: evidence, never identity. */
export interface RequestFacts {
  readonly address?: string;
}

export type EnrolmentOutcome =
  | {
      readonly kind: "certified";
      readonly certificate: string;
      readonly authority: string;
      readonly repeated: boolean;
    }
  /** Somebody has to compare `code` with the machine's console first. */
  | { readonly kind: "waiting"; readonly code: string }
  | {
      readonly kind: "refused";
      readonly code: "bad-request" | "forbidden" | "not-permitted-now";
      readonly reason: string;
    };

export interface EnrolmentOptions {
  readonly store: NodeIdentityStore;
  readonly machines: Registry;
  readonly certifier: NodeCertifier;
  readonly events: EventSink;
  readonly clock: Clock;
  /** Secret of this appliance that enrolment secrets are derived from; 32 bytes. */
  readonly key: Uint8Array;
  readonly bootNetwork: "trusted" | "hostile";
}

/** A key that asks, what is on record about its generation, and where it asked from. */
interface Found {
  readonly key: ProvenKey;
  readonly record: NodeIdentityRecord | undefined;
  readonly facts: RequestFacts;
}

/** No installer of the present generation has run yet, or never will. */
const NOT_INSTALLED: ReadonlySet<LifecycleState> = new Set(["discovered", "registered", "retired"]);

export class Enrolment implements EnrolmentSecrets {
  readonly #options: EnrolmentOptions;
  /** One exchange of a machine at a time: of two keys that race, one comes second. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /**
   * The secret of one generation of a machine, the same each time it is asked for. A machine registered anew under
   * an old name gets another one: its time of creation goes in.
   */
  secretFor(machine: string, generation: number): Promise<string> {
    const createdAt = this.#options.machines.byName(machine)?.createdAt ?? 0;
    const mac = createHmac("sha256", this.#options.key).update(
      `enrol\n${machine}\n${createdAt}\n${generation}`,
    );
    return Promise.resolve(`mte_${mac.digest("base64url")}`);
  }

  /**
   * Exchanges a secret for a certificate. The same key gets its certificate again, after any power cut; another key
   * is refused, raised as an alarm, and the machine is held until a person confirms it.
   * @throws MusterError `unavailable` when the store cannot be written; the machine asks again.
   */
  async enrol(request: EnrolmentRequest, facts: RequestFacts): Promise<EnrolmentOutcome> {
    const machine = this.#options.machines.byName(request.machine);
    const known = sameText(await this.secretFor(request.machine, request.generation), request.secret);
    if (!machine || !known) {
      this.#alarm(machine?.name, "a wrong enrolment secret was presented", { ...facts });
      return refused("forbidden", "the machine, its generation or its secret is not known");
    }
    const read = this.#options.certifier.read(request.csr);
    if (read.kind === "refused")
      return refused("bad-request", `the signing request is refused: ${read.reason}`);
    return this.#inTurn(machine.name, () => this.#exchange(request, read.request, facts));
  }

  async #exchange(request: EnrolmentRequest, key: ProvenKey, facts: RequestFacts): Promise<EnrolmentOutcome> {
    const { store, machines } = this.#options;
    const machine = machines.byName(request.machine);
    if (!machine || machine.generation !== request.generation || NOT_INSTALLED.has(machine.state)) {
      return refused("not-permitted-now", "this generation of the machine is not being installed");
    }
    const record = await store.get(machine.name, request.generation);
    if (record?.keyHash === undefined) return this.#claim(machine, { key, record, facts });
    if (record.keyHash !== key.keyHash) return this.#freeze(machine, facts);
    if (record.revokedAt !== undefined) return refused("forbidden", "this generation was revoked");
    if (record.certificate !== undefined && !this.#endsSoon(record)) {
      return this.#certified(record.certificate, "repeated");
    }
    if (machine.held !== undefined) return this.#heldBack(machine, key);
    return this.#certify(machine, { key, record, facts });
  }

  /** The first key of a generation. In a hostile network it only reserves its place until a person has looked. */
  async #claim(machine: Machine, found: Found): Promise<EnrolmentOutcome> {
    if (this.#options.bootNetwork === "trusted") {
      return machine.held === undefined ? this.#certify(machine, found) : this.#heldBack(machine, found.key);
    }
    const { name, generation } = machine;
    const { keyHash } = found.key;
    await this.#options.store.put({ machine: name, generation, secretHashes: [], keyHash });
    const code = approvalCode(keyHash);
    await this.#options.machines.hold(name, `confirm only if its console shows the code ${code}`, "node");
    return { kind: "waiting", code };
  }

  async #certify(machine: Machine, found: Found): Promise<EnrolmentOutcome> {
    const { certifier, store, clock, events } = this.#options;
    const { publicKey, keyHash } = found.key;
    const { name, generation } = machine;
    const issued = certifier.certify({ machine: name, generation, publicKey });
    await store.put({
      ...(found.record ?? { machine: name, generation }),
      secretHashes: [],
      keyHash,
      serial: issued.serial,
      certificate: issued.pem,
      enrolledAt: clock.now(),
      expiresAt: issued.expiresAt,
    });
    events.record({
      type: "node-enrolled",
      machine: name,
      source: "node",
      message: `${name} enrolled with a key of its own for generation ${generation}`,
      data: { keyHash, serial: issued.serial, ...found.facts },
    });
    return this.#certified(issued.pem, "first");
  }

  #certified(certificate: string, time: "first" | "repeated"): EnrolmentOutcome {
    return {
      kind: "certified",
      certificate,
      authority: this.#options.certifier.authority,
      repeated: time === "repeated",
    };
  }

  async #freeze(machine: Machine, facts: RequestFacts): Promise<EnrolmentOutcome> {
    const reason = `a second key asked for the identity of generation ${machine.generation}: somebody else may hold its install document`;
    this.#alarm(machine.name, reason, { ...facts });
    if (machine.held === undefined) await this.#options.machines.hold(machine.name, reason, "node");
    return refused(
      "forbidden",
      "another key already holds the identity of this generation; an operator has to decide",
    );
  }

  #heldBack(machine: Machine, key: ProvenKey): EnrolmentOutcome {
    if (this.#options.bootNetwork === "hostile") return { kind: "waiting", code: approvalCode(key.keyHash) };
    return refused("not-permitted-now", `${machine.name} is held: ${machine.held ?? ""}`);
  }

  #endsSoon(record: NodeIdentityRecord): boolean {
    return record.expiresAt !== undefined && record.expiresAt - this.#options.clock.now() < RENEW_BEFORE_MS;
  }

  #alarm(machine: string | undefined, message: string, data: Readonly<Record<string, unknown>>): void {
    const subject = machine === undefined ? {} : { machine };
    this.#options.events.record({
      type: "identity-refused",
      source: "node",
      level: "alarm",
      message,
      data,
      ...subject,
    });
  }

  async #inTurn<T>(machine: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(machine) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#turns.set(machine, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(machine) === turn) this.#turns.delete(machine);
    }
  }
}

/** A certificate that ends within this time is issued anew when its key asks. */
const RENEW_BEFORE_MS = 90 * 86_400_000;

/** Eight digits of the key's hash, in the form that consoles and pages show. */
export function approvalCode(keyHash: string): string {
  const digits = keyHash.slice(0, 8).toUpperCase();
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}

function refused(
  code: Extract<EnrolmentOutcome, { kind: "refused" }>["code"],
  reason: string,
): EnrolmentOutcome {
  return { kind: "refused", code, reason };
}

function sameText(expected: string, presented: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(presented)];
  return a.length === b.length && timingSafeEqual(a, b);
}
