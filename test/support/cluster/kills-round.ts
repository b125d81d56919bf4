/** One round of power cuts: a cluster whose machines all die on their way, and what has to hold in the end all the same. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterBed } from "./bed.ts";
import { EtcdWatch } from "./etcd-watch.ts";
import {
  carryOut,
  comesTo,
  etcdAnswers,
  type Fallen,
  KILL_STEPS,
  type KillStep,
  randomKill,
} from "./kills.ts";
import type { KillCell } from "./kills-page.ts";
import { clusterFile, ENDPOINT, type LabMember, members } from "./lab-cluster.ts";
import { random } from "./seed.ts";

export const ALL_MACHINES = members({ controlPlanes: 3, workers: 2 });
const CONTROL_PLANES = ALL_MACHINES.filter(({ roles }) => roles.includes("control-plane"));
const SECONDS = 1800;

export interface Round {
  /** Index of the control plane that is on before the others, and so the one that initialises. */
  readonly first: number;
  readonly seed: number;
  readonly diesAt: (index: number, step: KillStep) => boolean;
}

/** The steps that a machine comes to. */
export function stepsOf(machine: string): readonly KillStep[] {
  const member = ALL_MACHINES.find(({ name }) => name === machine);
  return KILL_STEPS.filter((step) => member !== undefined && comesTo(member, step));
}

/** Plays one round; a round that fails says so in each of its cells. */
export async function playRound(round: Round): Promise<readonly KillCell[]> {
  const closing: (() => Promise<void>)[] = [];
  const dying = ALL_MACHINES.map((member, index) => ({
    name: member.name,
    steps: stepsOf(member.name).filter((step) => round.diesAt(index, step)),
  }));
  try {
    const bed = await ClusterBed.open({ after: (close) => void closing.push(close) });
    await bed.apply(clusterFile("lab", ALL_MACHINES, { endpoint: ENDPOINT }));
    await bed.installAll(ALL_MACHINES);
    const { fallen, seconds } = await withWatch(bed, () => live(bed, round, dying));
    return fallen.map((each) => cellOf(each, { first: CONTROL_PLANES[round.first]?.name, seconds }));
  } catch (error) {
    console.log(String(error));
    const outcome = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
    return dying.flatMap(({ name, steps }) => steps.map((step) => ({ machine: name, step, outcome })));
  } finally {
    for (const close of closing) await close();
  }
}

interface Dying {
  readonly name: string;
  readonly steps: readonly KillStep[];
}

/** From switching on to the last machine's Ready, with every power cut in between. */
async function live(
  bed: ClusterBed,
  round: Round,
  dying: readonly Dying[],
): Promise<{ readonly fallen: readonly Fallen[]; readonly seconds: number }> {
  const next = random(round.seed);
  const kills = dying.map(({ name, steps }) =>
    steps.map((step) => randomKill({ machine: name, step, part: partOf(name, round) }, next)),
  );
  const started = performance.now();
  const [fallen] = await Promise.all([
    Promise.all(kills.map((each) => carryOut(bed, each, SECONDS))),
    switchOn(bed, CONTROL_PLANES[round.first]),
    bed.waitForReady(ALL_MACHINES, SECONDS),
  ]);
  await bed.waitForReady(ALL_MACHINES, SECONDS);
  return { fallen: fallen.flat(), seconds: (performance.now() - started) / 1000 };
}

function partOf(machine: string, { first }: Round): "first" | "control-plane" | "worker" {
  if (CONTROL_PLANES[first]?.name === machine) return "first";
  return CONTROL_PLANES.some(({ name }) => name === machine) ? "control-plane" : "worker";
}

/** The others follow when the first has its turn: who initialises is no chance. */
async function switchOn(bed: ClusterBed, first: LabMember | undefined): Promise<void> {
  if (first === undefined) throw new RangeError("no such control plane");
  await bed.machine(first.name).powerOn();
  for (;;) {
    const { state } = await bed.appliance.machine(first.name);
    if (state === "joining" || state === "ready") break;
    await delay(500);
  }
  const others = ALL_MACHINES.filter(({ name }) => name !== first.name);
  await Promise.all(others.map(({ name }) => bed.machine(name).powerOn()));
}

/** One etcd cluster ever, and in the end one of three voters: the same Kubernetes as when it began. */
async function withWatch<T>(bed: ClusterBed, play: () => Promise<T>): Promise<T> {
  const watch = new EtcdWatch(CONTROL_PLANES.map(({ name }) => bed.machine(name)));
  try {
    const [played, born] = await Promise.all([play(), clusterUid(bed)]);
    const [answer = "", ...others] = new Set(await etcdAnswers(bed, CONTROL_PLANES));
    if (others.length > 0) throw new Error(`several etcd clusters: ${[answer, ...others].join("; ")}`);
    if (!answer.endsWith(" c1,c2,c3")) throw new Error(`etcd does not have its three voters: ${answer}`);
    watch.mustBeOnly(answer.split(" ")[0] ?? "");
    const now = await clusterUid(bed);
    if (now !== born) throw new Error(`the cluster was ${born} when it began and is ${now}`);
    return played;
  } finally {
    watch.stop();
  }
}

/** What Kubernetes itself is known by, as soon as the appliance holds it for initialised and it answers. */
async function clusterUid(bed: ClusterBed): Promise<string> {
  const deadline = performance.now() + SECONDS * 1000;
  const phase = async (): Promise<unknown> => {
    const status = await bed.appliance.must("GET", "/api/v1/clusters/lab/status").catch(() => undefined);
    return (status as { readonly phase?: string } | undefined)?.phase;
  };
  while ((await phase()) !== "initialised") {
    if (performance.now() > deadline) throw new Error("the cluster was never initialised");
    await delay(2000);
  }
  const kubectl = await bed.kubectl("lab");
  const uid = ["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"];
  return kubectl.eventually(uid, { seconds: SECONDS, wanted: /./ });
}

function cellOf(
  { kill, seconds, lastWords }: Fallen,
  round: { readonly first: string | undefined; readonly seconds: number },
): KillCell {
  const { machine, step } = kill;
  const isFirst = machine === round.first;
  if (seconds === undefined) {
    // Add-ons are applied by one machine only.
    const outcome = step === "addons" && !isFirst ? "not its turn" : "past it before it was seen";
    return { machine, step, outcome };
  }
  const when = `after ${seconds.toFixed(1)} s`;
  const moment =
    step === "kubeadm" ? `${isFirst ? "init" : "join"}, ${when}: ${(lastWords ?? "").slice(0, 90)}` : when;
  return { machine, step, outcome: "Ready", moment, seconds: round.seconds };
}
