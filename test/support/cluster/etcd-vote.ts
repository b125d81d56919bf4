import { setTimeout as delay } from "node:timers/promises";
import type { ClusterBed } from "./bed.ts";
import { etcdAnswers } from "./kills.ts";

const SECONDS_BACK = 300;

/** Waits until a member that was off counts for etcd's quorum again: before that, no other may leave. */
export async function isVoterAgain(bed: ClusterBed, name: string): Promise<void> {
  const deadline = performance.now() + SECONDS_BACK * 1000;
  for (;;) {
    const answers = await etcdAnswers(bed, [{ name }]).catch((error: unknown) => [String(error)]);
    if (answers.every((answer) => answer.endsWith(" c1,c2,c3"))) return;
    if (performance.now() > deadline) throw new Error(`etcd of ${name} is not back: ${answers.join("; ")}`);
    await delay(2000);
  }
}
