/**
 * The same five machines made into the same cluster by a script that a person wrote for exactly these machines:
 * `node test/cluster/by-hand.ts`. Its times stand beside the appliance's in docs/performance.md.
 */
import { ClusterBed } from "../support/cluster/bed.ts";
import { buildByHand } from "../support/cluster/hand-ordered.ts";
import { addressOf, macOf, members } from "../support/cluster/lab-cluster.ts";

const ALL = members({ controlPlanes: 3, workers: 2 });

const closing: (() => Promise<void>)[] = [];
const bed = await ClusterBed.open({ after: (close) => void closing.push(close) });
try {
  for (const member of ALL) {
    const { name } = member;
    await bed.appliance.register({ name, mac: macOf(member), address: addressOf(member) });
  }
  await bed.installAll(ALL);
  const started = performance.now();
  const reached = (stage: string): void =>
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${stage}`);
  await Promise.all(ALL.map(({ name }) => bed.machine(name).powerOn()));
  await Promise.all(
    ALL.map(({ name }) => bed.appliance.waitForMachine(name, ({ state }) => state === "installed", 600)),
  );
  reached("machines up");
  await buildByHand(bed, ALL, reached);
} finally {
  for (const close of closing) await close();
}
