/** What a seed's checklist asks for, looked up in the plans of its example. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import { exampleCluster } from "./example-clusters.ts";
import { planOf } from "./node-machine.ts";

/** One or more lines of the checklist, and where their answer stands. */
export interface Line {
  readonly id: string;
  readonly what: string;
  readonly machine: string;
  /** Path of a file of the plan, or the name of one of its settings. */
  readonly in: string;
  readonly says: readonly RegExp[];
}

/** Declares one test for each line. */
export function describeLines(file: string, lines: readonly Line[]): void {
  const cluster = exampleCluster(file);
  for (const { id, what, machine, in: place, says } of lines) {
    test(`${id} ${what}`, () => {
      const text = planned(cluster, machine, place);
      for (const words of says) assert.match(text, words);
    });
  }
}

/** A file of a machine's plan, or one of its settings. @throws RangeError when the plan has neither */
export function planned(cluster: ClusterView, machine: string, place: string): string {
  const plan = planOf(cluster, machine);
  const file = [...plan.files, ...plan.planFiles].find(({ path }) => path === place);
  const text = file?.content ?? plan.settings[place];
  if (text === undefined) throw new RangeError(`the plan of ${machine} has no ${place}`);
  return String(text);
}

/** Names and addresses of the members with a role. */
export function withRole(cluster: ClusterView, role: string): readonly string[] {
  return cluster.members
    .filter(({ roles }) => roles.some((each) => each === role))
    .map(({ name, address }) => `${name} ${address}`);
}
