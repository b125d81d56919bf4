/** Chance that can be had again: every random choice of a test follows from one printed number (`CLUSTER_SEED`). */
import type { TestContext } from "node:test";

/** Numbers from 0 up to but not including 1, the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this run, which is printed. */
export function seedOf(t: Pick<TestContext, "diagnostic">): number {
  const given = Number(process.env["CLUSTER_SEED"] ?? Number.NaN);
  const seed = Number.isInteger(given) ? given : Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`CLUSTER_SEED=${seed}`);
  return seed;
}

/** The items in a random order. */
export function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(Math.floor(next() * rest.length), 1));
}

const LONGEST_PAUSE_MS = Number(process.env["CLUSTER_PAUSE_MS"] ?? 3000);

/** An order in which things are switched on, and the milliseconds after each. */
export function seededOrder<T extends { readonly name: string }>(
  t: TestContext,
  items: readonly T[],
): { readonly order: readonly T[]; readonly pauses: readonly number[] } {
  const next = random(seedOf(t));
  const order = shuffled(items, next);
  t.diagnostic(`switched on in the order ${order.map(({ name }) => name).join(" ")}`);
  return { order, pauses: order.map(() => Math.floor(next() * LONGEST_PAUSE_MS)) };
}
