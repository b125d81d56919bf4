/** What an applied change writes to the store and removes from it. */
import { keyOf, type PlacedResource, type StoredResource } from "../../domain/cluster/resource.ts";
import type { ResourceChange } from "../store.ts";
import type { ApplyPlan } from "./apply-plan.ts";

/** Documents to write and documents to drop. */
export interface Change {
  readonly put: readonly PlacedResource[];
  readonly remove: readonly StoredResource[];
}

/** Documents that the plan leaves unchanged keep their revision; the others get the next one. */
export function documentChanges(
  { put, remove }: Change,
  facts: {
    readonly plan: Pick<ApplyPlan, "resources">;
    readonly stored: ReadonlyMap<string, StoredResource>;
    /** Epoch milliseconds. */
    readonly now: number;
  },
): readonly ResourceChange[] {
  const { plan, stored, now } = facts;
  const same = new Set(plan.resources.filter(({ action }) => action === "unchanged").map(keyOf));
  const saved = put
    .filter((resource) => !same.has(keyOf(resource)))
    .map((resource): ResourceChange => {
      const { kind, name, spec } = resource;
      const previous = stored.get(keyOf(resource))?.revision;
      const revision = (previous ?? 0) + 1;
      return { kind: "save", resource: { kind, name, spec, revision, updatedAt: now }, previous };
    });
  return [...saved, ...remove.map((resource): ResourceChange => ({ kind: "remove", resource }))];
}
