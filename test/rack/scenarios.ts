/** What `npm run test:rack` runs, in this order: each goes on with what the one before it made. */
import type { StepResult } from "../install/scenario.ts";
import type { Lab } from "../support/lab.ts";
import {
  installsAlone,
  installsBesides,
  isCluster,
  joins,
  reachesService,
  runsServer,
  servesNames,
} from "./steps.ts";

export interface RackScenario {
  readonly name: string;
  readonly steps: readonly (readonly [string, (lab: Lab) => Promise<string | undefined>])[];
}

export const SCENARIOS: readonly RackScenario[] = [
  {
    name: "cluster-bios",
    steps: [
      ["installs and reports in", installsAlone],
      ["is a cluster alone, its Node Ready", isCluster],
      ["serves names (CoreDNS)", servesNames],
      ["runs a pod", runsServer],
    ],
  },
  {
    name: "worker-bios",
    steps: [
      ["a second machine is applied, installs and reports in", installsBesides],
      ["joins as a worker, both Nodes Ready", joins],
      ["its pod resolves names and reaches a service on the other machine", reachesService],
    ],
  },
];

/**
 * The scenarios up to the last one that is wanted; all of them when none is named.
 * @throws Error when a name is none of ours
 */
export function scenariosFor(wanted: readonly string[]): readonly RackScenario[] {
  const names = SCENARIOS.map(({ name }) => name);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`"${unknown}" is none of ${names.join(", ")}`);
  const last =
    wanted.length === 0 ? SCENARIOS.length - 1 : Math.max(...wanted.map((name) => names.indexOf(name)));
  return SCENARIOS.slice(0, last + 1);
}

/** Runs the steps in order until one fails; gives each result as it comes. */
export async function* runScenario(lab: Lab, { steps }: RackScenario): AsyncGenerator<StepResult> {
  for (const [step, run] of steps) {
    const started = performance.now();
    const outcome = await run(lab).then(
      (note) => (note === undefined ? {} : { note }),
      (error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }),
    );
    yield { step, seconds: (performance.now() - started) / 1000, ...outcome };
    if ("failure" in outcome) return;
  }
}
