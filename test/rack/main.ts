/**
 * `npm run test:rack`: one machine with real firmware is only powered on, and becomes a whole Kubernetes cluster by itself: stock
 * installer, first boot, node script, kubeadm. Its kernel is Debian's own, so nothing of the container lab's settings is needed.
 * The result goes to docs/install-results.md.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { resultsTable } from "../install/results.ts";
import type { StepResult } from "../install/scenario.ts";
import type { Lab } from "../support/lab.ts";
import { becomesReady, installsAsMember, openRack, type Rack, servesNames, takesThePod } from "./rack.ts";

const RESULTS = path.join(import.meta.dirname, "../../docs/install-results.md");
const STEPS: readonly (readonly [string, (rack: Rack) => Promise<string | undefined>])[] = [
  ["installs and reports in", installsAsMember],
  ["becomes a cluster, its Node Ready", becomesReady],
  ["serves names (CoreDNS)", servesNames],
  ["runs a pod", takesThePod],
];

async function main(): Promise<void> {
  const rack = await openRack();
  const results: StepResult[] = [];
  try {
    for (const [step, run] of STEPS) {
      const result = await timed(step, () => run(rack));
      results.push(result);
      tell(result);
      await keep(results, rack.lab);
      if (result.failure !== undefined) break;
    }
  } finally {
    await rack.close();
  }
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  console.log(`${results.length - failed} passed, ${failed} failed, 0 skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

async function timed(step: string, run: () => Promise<string | undefined>): Promise<StepResult> {
  const started = performance.now();
  const outcome = await run().then(
    (note) => (note === undefined ? {} : { note }),
    (error: unknown) => ({ failure: error instanceof Error ? error.message : String(error) }),
  );
  return { step, seconds: (performance.now() - started) / 1000, ...outcome };
}

async function keep(steps: readonly StepResult[], lab: Lab): Promise<void> {
  const before = await readFile(RESULTS, "utf8").catch(() => "");
  const brief = steps.map(({ failure, ...rest }) =>
    failure === undefined ? rest : { ...rest, failure: failure.split("\n", 1)[0] ?? "" },
  );
  const facts = { before, date: new Date(), acceleration: lab.acceleration };
  await writeFile(RESULTS, resultsTable({ results: new Map([["cluster-bios", brief]]), ...facts }));
}

function tell({ step, seconds, note, failure }: StepResult): void {
  const words = failure ?? note;
  const mark = failure === undefined ? "✔" : "✖";
  console.log(`  ${mark} ${step} (${seconds.toFixed(0)} s)${words === undefined ? "" : `: ${words}`}`);
}

await main();
