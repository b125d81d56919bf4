/** docs/kills.md: what became of a cluster whose machines died at each step. */

/** One machine that died at one step, and what its cluster came to. */
export interface KillCell {
  readonly machine: string;
  readonly step: string;
  /** `Ready`, or the reason why not. */
  readonly outcome: string;
  /** Where in the step the power went. */
  readonly moment?: string;
  /** Seconds from switching on to the last machine's Ready. */
  readonly seconds?: number;
}

const ROW = /^\| ([a-z0-9-]+) \| ([a-z]+) \| (.+) \| (.*) \| ([\d.]*) \| (.*) \|$/gm;
/** What stands from here on is written by people and kept. */
const KEPT = "\n## Beside the matrix\n";

/** The cells that a page tells good, each as `machine step`. */
export function goodCells(page: string): ReadonlySet<string> {
  const good = [...page.matchAll(ROW)].filter(([, , , outcome]) => outcome === "Ready");
  return new Set(good.map(([, machine, step]) => `${machine} ${step}`));
}

/** The page, with the cells of earlier runs where this one has none. */
export function killsPage(given: {
  readonly cells: readonly KillCell[];
  readonly before: string;
  readonly seed: number;
  readonly machines: readonly string[];
  /** The steps that a machine comes to. */
  readonly stepsOf: (machine: string) => readonly string[];
  readonly today?: string;
}): string {
  const today = given.today ?? new Date().toISOString().slice(0, 10);
  const rows = new Map<string, string>();
  for (const [line, machine, step] of given.before.matchAll(ROW)) rows.set(`${machine} ${step}`, line);
  for (const { machine, step, outcome, moment, seconds } of given.cells) {
    const columns = [machine, step, outcome, moment ?? "", seconds?.toFixed(0) ?? ""].map(plain);
    rows.set(`${machine} ${step}`, `| ${columns.join(" | ")} | ${today}, seed ${given.seed} |`);
  }
  const known = given.machines.flatMap((machine) =>
    given
      .stepsOf(machine)
      .map((step) => rows.get(`${machine} ${step}`) ?? `| ${machine} | ${step} | not run yet |  |  |  |`),
  );
  const kept = given.before.indexOf(KEPT);
  return [...INTRODUCTION, ...known, ""].join("\n") + (kept < 0 ? "" : given.before.slice(kept));
}

function plain(text: string): string {
  return text.replaceAll("|", "/").replaceAll("\n", " ");
}

const INTRODUCTION = [
  "# Power cuts at every step",
  "",
  "Written by `npm run test:kills`: three control planes and two workers become one cluster, in rounds in each of which one control plane is",
  "on first and initialises (`init`), while every machine loses power several times, at a random moment of another step each time, and gets",
  "it back within a few seconds. A cut counts only when the step's program was there at that moment: the machine is frozen first, then",
  "looked at, then killed. Every round has to end with all five machines Ready, three voters in etcd, and the cluster that the first of them",
  "initialised. The logs on the disks of all control planes are read three times a second: more than one etcd cluster id at any time fails",
  "the round. One seed is one round; the last column of seconds is that of its whole cluster, on a host that had other work to do.",
  "",
  "The power cut is a SIGKILL to everything on the machine: what it had written is on its disk, synced or not. Add-ons are applied by one",
  "control plane only, the one that initialised.",
  "",
  "| machine | step | outcome | power gone | all Ready after (s) | run |",
  "|---|---|---|---|---|---|",
] as const;
