/**
 * The one writer of machines: changes are decided one after the other, those that wait are made durable together in
 * one commit, and only then does memory show them. Five thousand machines reporting at once cost a few commits.
 */
import { MachineDraft } from "./machine-draft.ts";
import type { MachineIndex } from "./machine-index.ts";
import type { RegistryChange } from "./registry.ts";
import type { MachineStore } from "./store.ts";

/** Decides one change on the draft; whatever it throws rejects this change alone, so it stages nothing before. */
export type Decide<T> = (draft: MachineDraft) => T;

interface Waiting {
  /** Runs the decision; returns what to do after the commit, or undefined when the decision itself was refused. */
  readonly decide: (draft: MachineDraft) => (() => void) | undefined;
  readonly fail: (error: unknown) => void;
}

const LARGEST_BATCH = 256;

export interface MachineWriterOptions {
  readonly index: MachineIndex;
  readonly store: MachineStore;
  /** Hears every change after its commit. */
  readonly publish: (change: RegistryChange) => void;
}

export class MachineWriter {
  readonly #options: MachineWriterOptions;
  readonly #waiting: Waiting[] = [];
  #draining: Promise<void> | undefined;

  constructor(options: MachineWriterOptions) {
    this.#options = options;
  }

  /** Runs a decision in its turn; resolves with its result after the commit. */
  write<T>(decide: Decide<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = (draft: MachineDraft): (() => void) | undefined => {
      try {
        const result = decide(draft);
        return () => {
          resolve(result);
        };
      } catch (error) {
        reject(error);
        return undefined;
      }
    };
    this.#waiting.push({ decide: run, fail: reject });
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#draining) await this.#draining;
  }

  async #drain(): Promise<void> {
    // What arrives in the same turn of the event loop becomes one batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, LARGEST_BATCH));
    this.#draining = undefined;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { index, store } = this.#options;
    const draft = new MachineDraft(index);
    const decided = batch.map((waiting) => ({ waiting, settle: waiting.decide(draft) }));
    try {
      if (!draft.empty) await store.commit(draft.changes(), draft.resources());
    } catch (error) {
      for (const { waiting, settle } of decided) if (settle) waiting.fail(error);
      return;
    }
    this.#publish(draft);
    for (const { settle } of decided) settle?.();
  }

  #publish(draft: MachineDraft): void {
    const { index, publish } = this.#options;
    const news = draft.news();
    for (const change of news) if (change.kind === "removed") index.remove(change.machine.name);
    for (const change of news) if (change.kind === "changed") index.put(change.machine);
    for (const change of news) publish(change);
  }
}
