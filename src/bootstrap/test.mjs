/**
 * `npm test`: brings what the tests need, runs every suite (unit, interop, lab, cluster), and ends with `N passed, N failed, N skipped`.
 * Arguments name suites (`npm test -- unit lab`); without any, all run but those that run by their name only.
 */
import { bringTestPackages } from "./debian-packages.mjs";
import { ensureDependencies } from "./dependencies.mjs";
import { LauncherError, launch, say } from "./messages.mjs";
import { supportedNode } from "./node.mjs";
import { runStep } from "./steps.mjs";
import { suiteCommand, suites } from "./suites.mjs";
import { openTotals } from "./totals.mjs";

await launch(async () => {
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : ordinary();
  const unknown = wanted.find((name) => !Object.hasOwn(suites, name));
  if (unknown) {
    throw new LauncherError(`no suite is called "${unknown}"; there are ${Object.keys(suites).join(", ")}`);
  }
  const node = supportedNode();
  ensureDependencies(node);
  const lacking = bringTestPackages();
  if (lacking) say(lacking);
  const totals = openTotals();
  for (const name of wanted) await runSuite(node, suites[name], totals);
  const { failed } = totals.sum();
  totals.close();
  process.exitCode = failed > 0 ? 1 : 0;
});

/** The suites that run when none is named. */
function ordinary() {
  return Object.keys(suites).filter((name) => !suites[name].onlyByName);
}

async function runSuite(node, suite, totals) {
  console.log(`\n${suite.name} tests`);
  if (suite.needs && !(await bring(node, suite.needs, totals))) return;
  const before = totals.sum();
  const result = await runStep({
    command: suiteCommand(node, suite),
    seconds: suite.seconds,
    environment: totals.environment,
    show: true,
  });
  console.log(`${suite.name} tests took ${result.seconds.toFixed(0)} s`);
  // A runner that ends badly without having counted a failure (killed, out of time) is a failure of its own.
  if (!result.ok && totals.sum().failed === before.failed) {
    console.log(`FAILED ${suite.name} tests: the runner ${result.why}`);
    totals.add({ failed: 1 });
  }
}

async function bring(node, { what, program, seconds }, totals) {
  const result = await runStep({ command: [node, program], seconds, show: true });
  if (result.ok) return true;
  console.log(`FAILED to bring ${what}: ${program} ${result.why}`);
  totals.add({ failed: 1 });
  return false;
}
