/**
 * `npm run test:install`: every layout on every firmware, the long way, one after the other. Arguments choose some of them
 * (`npm run test:install -- raid1-uefi`). The results go to docs/install-results.md.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { Lab } from "../support/lab.ts";
import { resultsTable } from "./results.ts";
import { runScenario, SCENARIOS, type StepResult } from "./scenario.ts";

const RESULTS = path.join(import.meta.dirname, "../../docs/install-results.md");
/** Most of a scenario's power failures count as installer boots that came to nothing. */
const ATTEMPTS = 9;

async function main(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    throw new Error(`"${unknown}" is none of ${SCENARIOS.map(({ name }) => name).join(", ")}`);
  }
  const chosen = SCENARIOS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const lab = await Lab.open({ install: { attempts: ATTEMPTS } });
  await lab.appliance.pullInstaller("debian-13");
  const results = new Map<string, readonly StepResult[]>();
  try {
    for (const scenario of chosen) {
      console.log(scenario.name);
      const steps: StepResult[] = [];
      results.set(scenario.name, steps);
      for await (const step of runScenario(lab, scenario)) {
        steps.push(step);
        tell(step);
        await writeResults(results, lab.acceleration);
      }
    }
  } finally {
    await lab.close();
  }
  const failed = [...results.values()].flat().filter(({ failure }) => failure !== undefined).length;
  const passed = [...results.values()].flat().length - failed;
  console.log(`${passed} passed, ${failed} failed, 0 skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** After each step: what a long run showed is kept when it is stopped early. */
async function writeResults(
  results: ReadonlyMap<string, readonly StepResult[]>,
  acceleration: string,
): Promise<void> {
  const before = await readFile(RESULTS, "utf8").catch(() => "");
  await writeFile(RESULTS, resultsTable({ results, before, date: new Date(), acceleration }));
}

function tell({ step, seconds, note, failure }: StepResult): void {
  const mark = failure === undefined ? "✔" : "✖";
  const words = failure ?? note;
  console.log(`  ${mark} ${step} (${seconds.toFixed(0)} s)${words === undefined ? "" : `: ${words}`}`);
}

await main(process.argv.slice(2));
