/** Who applies the pod network and the add-ons: one control plane at a time, until one has done it. */
import { type ClusterRecord, type Holder, hasJoined, sameHolder } from "./cluster-record.ts";

export interface AddonsFacts {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly asker: Holder & { readonly controlPlane: boolean };
  readonly record: ClusterRecord;
  /** After this many milliseconds another control plane takes over. */
  readonly patience: number;
}

export type AddonsDecision =
  | { readonly action: "addons"; readonly reason: string }
  | { readonly action: "wait"; readonly reason: string; readonly retrySeconds: number }
  | { readonly action: "done"; readonly reason: string };

/** Applying is repeatable, so that a holder which falls silent may be followed by another. */
export function decideAddons({ now, asker, record, patience }: AddonsFacts): AddonsDecision {
  const { holder, doneAt } = record.addons;
  if (doneAt !== undefined) return { action: "done", reason: "the add-ons are applied" };
  if (!asker.controlPlane) return { action: "done", reason: "a control plane applies the add-ons" };
  if (!hasJoined(record, asker)) {
    return { action: "wait", reason: `${asker.machine} is no member yet`, retrySeconds: 5 };
  }
  const taken = holder && !sameHolder(holder, asker) && now < holder.since + patience;
  if (taken) return { action: "wait", reason: `${holder.machine} applies the add-ons`, retrySeconds: 5 };
  return { action: "addons", reason: `${asker.machine} applies the add-ons` };
}
