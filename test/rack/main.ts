/**
 * `npm run test:rack`: machines with real firmware are only powered on, and become a Kubernetes cluster by themselves: stock installer,
 * first boot, node script, kubeadm. One machine first, which is a whole cluster alone; then a worker that joins it. Their kernel is
 * Debian's own, so nothing of the container lab's settings is needed. The results go to docs/install-results.md.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { resultsTable } from "../install/results.ts";
import type { StepResult } from "../install/scenario.ts";
import type { Lab } from "../support/lab.ts";
import { openRack } from "./rack.ts";
import { type RackScenario, runScenario, scenariosFor } from "./scenarios.ts";

const RESULTS = path.join(import.meta.dirname, "../../docs/install-results.md");
/** Goes on with the disks and the data of a run that was kept; what it shows is no result of a whole run. */
const FROM = process.env["RACK_FROM"];

async function main(wanted: readonly string[]): Promise<void> {
  const chosen = scenariosFor(wanted);
  const lab = await openRack(FROM);
  let passed = 0;
  let failed = 0;
  try {
    for (const scenario of chosen) {
      const steps = await runAndTell(lab, scenario);
      failed += steps.filter(({ failure }) => failure !== undefined).length;
      passed += steps.filter(({ failure }) => failure === undefined).length;
      if (failed > 0) break;
    }
  } finally {
    await lab.close();
  }
  console.log(`${passed} passed, ${failed} failed, 0 skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

async function runAndTell(lab: Lab, scenario: RackScenario): Promise<readonly StepResult[]> {
  console.log(scenario.name);
  const steps: StepResult[] = [];
  for await (const step of runScenario(lab, scenario)) {
    steps.push(step);
    tell(step);
    if (FROM === undefined) await keep(scenario.name, steps, lab);
  }
  return steps;
}

/** After each step: what a long run showed is kept when it is stopped early. */
async function keep(name: string, steps: readonly StepResult[], lab: Lab): Promise<void> {
  const before = await readFile(RESULTS, "utf8").catch(() => "");
  const brief = steps.map(({ failure, ...rest }) =>
    failure === undefined ? rest : { ...rest, failure: failure.split("\n", 1)[0] ?? "" },
  );
  const facts = { before, date: new Date(), acceleration: lab.acceleration };
  await writeFile(RESULTS, resultsTable({ results: new Map([[name, brief]]), ...facts }));
}

function tell({ step, seconds, note, failure }: StepResult): void {
  const words = failure ?? note;
  const mark = failure === undefined ? "✔" : "✖";
  console.log(`  ${mark} ${step} (${seconds.toFixed(0)} s)${words === undefined ? "" : `: ${words}`}`);
}

await main(process.argv.slice(2));
