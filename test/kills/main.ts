/**
 * Every machine dies once at every step of the node script: `npm run test:kills [-- STEP…]`. One cluster for each round, in
 * which every machine dies at another step; the result is written to docs/kills.md, round by round.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { ClusterBed } from "../support/cluster/bed.ts";
import { carryOut, comesTo, etcdAnswers, KILL_STEPS, type KillStep } from "../support/cluster/kills.ts";
import { type KillCell, killsPage } from "../support/cluster/kills-page.ts";
import { clusterFile, ENDPOINT, type LabMember, members } from "../support/cluster/lab-cluster.ts";
import { random } from "../support/cluster/seed.ts";

const ALL = members({ controlPlanes: 3, workers: 2 });
const CONTROL_PLANES = ALL.filter(({ roles }) => roles.includes("control-plane"));
const SECONDS = 1800;
const PAGE = path.join(import.meta.dirname, "../../docs/kills.md");
const seed = Number(process.env["CLUSTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** The step at which a machine dies in a round: over all rounds every machine meets every step. */
function stepOf(round: number, index: number): KillStep {
  return KILL_STEPS[(round + index * 3) % KILL_STEPS.length] ?? "kubeadm";
}

async function play(round: number): Promise<readonly KillCell[]> {
  const next = random(seed + round);
  const closing: (() => Promise<void>)[] = [];
  const bed = await ClusterBed.open({ after: (close) => void closing.push(close) });
  const cells: KillCell[] = [];
  const started = performance.now();
  try {
    await bed.apply(clusterFile("lab", ALL, { endpoint: ENDPOINT }));
    await bed.installAll(ALL);
    await Promise.all(ALL.map(({ name }) => bed.machine(name).powerOn()));
    const dying = ALL.map((member, index) => ({ member, step: stepOf(round, index) }));
    await Promise.all([
      ...dying.map(async ({ member, step }) => cells.push(await die(bed, member, step, next))),
      bed.waitForReady(ALL, SECONDS),
    ]);
    await bed.waitForReady(ALL, SECONDS);
    const ids = new Set(await etcdAnswers(bed, CONTROL_PLANES));
    if (ids.size > 1) throw new Error(`several etcd clusters: ${[...ids].join("; ")}`);
    const seconds = (performance.now() - started) / 1000;
    return cells.map((cell) => ({ ...cell, seconds }));
  } catch (error) {
    console.log(String(error));
    const problem = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
    return ALL.map(({ name }, index) => ({ machine: name, step: stepOf(round, index), outcome: problem }));
  } finally {
    for (const close of closing) await close();
  }
}

async function die(
  bed: ClusterBed,
  member: LabMember,
  step: KillStep,
  next: () => number,
): Promise<KillCell> {
  const { name: machine } = member;
  if (!comesTo(member, step)) return { machine, step, outcome: "not its step" };
  const fell = await carryOut(
    bed,
    { machine, step, after: Math.floor(next() * 3000), off: 500 + Math.floor(next() * 3000) },
    SECONDS,
  );
  return { machine, step, outcome: fell ? "Ready" : "past it before it was seen" };
}

const wanted = process.argv.slice(2);
const rounds = [...KILL_STEPS.keys()].filter(
  (round) => wanted.length === 0 || wanted.includes(KILL_STEPS[round] ?? ""),
);
const before = await readFile(PAGE, "utf8").catch(() => "");
const cells: KillCell[] = [];
for (const round of rounds) {
  console.log(`round ${round + 1} of ${KILL_STEPS.length}, seed ${seed}`);
  cells.push(...(await play(round)));
  await writeFile(
    PAGE,
    killsPage({ cells, before, seed, steps: KILL_STEPS, machines: ALL.map(({ name }) => name) }),
  );
}
process.exitCode = cells.some(({ outcome }) => !["Ready", "not its step"].includes(outcome)) ? 1 : 0;
