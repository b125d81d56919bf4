/** What `muster cluster status` says of a cluster of the lab, as a person would read it. */
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterStatus } from "../../../src/domain/cluster/cluster-status.ts";
import type { ClusterBed } from "./bed.ts";

const POLL_MS = 1000;

/** Waits until a cluster is as wanted, and returns what the command then writes, with its exit code in front. */
export async function statusBecomes(
  bed: ClusterBed,
  {
    cluster,
    seconds,
    isWanted,
  }: {
    readonly cluster: string;
    readonly seconds: number;
    readonly isWanted: (status: ClusterStatus) => boolean;
  },
): Promise<string> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const status = (await bed.appliance.must("GET", `/api/v1/clusters/${cluster}/status`)) as ClusterStatus;
    if (isWanted(status)) return commandSays(bed, cluster);
    if (performance.now() > deadline) {
      throw new Error(
        `after ${seconds} s: ${status.summary}\n${status.problems.join("\n")}\n${await commandSays(bed, cluster)}`,
      );
    }
    await delay(POLL_MS);
  }
}

async function commandSays(bed: ClusterBed, cluster: string): Promise<string> {
  const words = ["cluster", "status", cluster];
  return bed.muster(words).then(
    (text) => `exit 0\n${text}`,
    (error: unknown) => String(error),
  );
}
