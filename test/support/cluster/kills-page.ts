/** docs/kills.md: what became of a cluster whose machines died at each step. */

/** One machine that died at one step, and what its cluster came to. */
export interface KillCell {
  readonly machine: string;
  readonly step: string;
  /** `Ready`, or the reason why not. */
  readonly outcome: string;
  /** Seconds from switching on to the last machine's Ready. */
  readonly seconds?: number;
}

const ROW = /^\| ([a-z0-9-]+) \| ([a-z]+) \| (.+) \| ([\d.]*) \| (.*) \|$/gm;

/** The page, with the cells of earlier runs where this one has none. */
export function killsPage(given: {
  readonly cells: readonly KillCell[];
  readonly before: string;
  readonly seed: number;
  readonly machines: readonly string[];
  readonly steps: readonly string[];
  readonly today?: string;
}): string {
  const today = given.today ?? new Date().toISOString().slice(0, 10);
  const rows = new Map<string, string>();
  for (const [line, machine, step] of given.before.matchAll(ROW)) rows.set(`${machine} ${step}`, line);
  for (const { machine, step, outcome, seconds } of given.cells) {
    const took = seconds === undefined ? "" : seconds.toFixed(0);
    rows.set(
      `${machine} ${step}`,
      `| ${machine} | ${step} | ${outcome} | ${took} | ${today}, seed ${given.seed} |`,
    );
  }
  const known = given.machines.flatMap((machine) =>
    given.steps.map(
      (step) => rows.get(`${machine} ${step}`) ?? `| ${machine} | ${step} | not run yet |  |  |`,
    ),
  );
  return [
    "# Power cuts at every step",
    "",
    "Written by `npm run test:kills`: three control planes and two workers, all switched on at once; in each round every machine loses",
    "power at another step of the node script, up to three seconds into it, and gets it back within a few seconds. Every round has to end",
    "with all five machines Ready and one etcd cluster of three voters. A control plane comes to more steps than a worker.",
    "",
    "| machine | step | outcome | all Ready after (s) | run |",
    "|---|---|---|---|---|",
    ...known,
    "",
  ].join("\n");
}
