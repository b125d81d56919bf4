/** Pages of a list: at most `limit` items after a key, and the key to go on from. */
import { z } from "zod";

/** Items on one page when the caller does not say, and at most. */
export const limitSchema = z.coerce
  .number()
  .int()
  .min(1)
  .max(1000)
  .default(200)
  .meta({ description: "Items on one page" });

export interface Page<T> {
  readonly items: readonly T[];
  /** Pass as `after` for the next page; absent on the last one. */
  readonly next?: string;
}

/** One page of a list that is in memory and sorted by `keyOf`. */
export function pageOf<T>(
  all: readonly T[],
  options: {
    readonly after: string | undefined;
    readonly limit: number;
    readonly keyOf: (item: T) => string;
  },
): Page<T> {
  const { after, limit, keyOf } = options;
  const rest = after === undefined ? all : all.filter((item) => keyOf(item) > after);
  return pageFrom(rest.slice(0, limit + 1), { limit, keyOf });
}

/** One page of what a store returned when it was asked for one item more than fits. */
export function pageFrom<T>(
  found: readonly T[],
  options: { readonly limit: number; readonly keyOf: (item: T) => string },
): Page<T> {
  const items = found.slice(0, options.limit);
  const last = items.at(-1);
  return found.length > items.length && last !== undefined ? { items, next: options.keyOf(last) } : { items };
}
