/**
 * `npm run check`: types, lint, format, layers and unit tests, two at a time. Names what failed and shows its output alone.
 * `--skip STEP` leaves one out (CI runs the unit tests with the others).
 */
import path from "node:path";
import { root } from "./checkout.mjs";
import { ensureDependencies } from "./dependencies.mjs";
import { launch } from "./messages.mjs";
import { supportedNode } from "./node.mjs";
import { runStep } from "./steps.mjs";
import { suiteCommand, suites } from "./suites.mjs";
import { openTotals } from "./totals.mjs";

const LIMIT_SECONDS = 600;
const AT_ONCE = 2;

/** The slowest first, so that two at a time end together. */
function stepsFor(node) {
  const tool = (file, ...args) => [node, path.join(root, "node_modules", file), ...args];
  return [
    { name: "lint", command: tool("eslint/bin/eslint.js", ".", "--max-warnings", "0") },
    { name: "unit", command: suiteCommand(node, suites.unit), counted: true },
    { name: "types", command: tool("typescript/bin/tsc", "--noEmit") },
    {
      name: "layers",
      command: tool(
        "dependency-cruiser/bin/dependency-cruiser.mjs",
        "src",
        "--config",
        ".dependency-cruiser.cjs",
      ),
    },
    { name: "format", command: tool("@biomejs/biome/bin/biome", "check", "--linter-enabled=false", ".") },
  ];
}

/** Runs the steps, {@link AT_ONCE} at a time, telling each result as it comes. */
async function runAll(steps, totals) {
  const waiting = [...steps];
  const failed = [];
  const worker = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const result = await runStep({ ...step, seconds: LIMIT_SECONDS, environment: totals.environment });
      console.log(`${result.ok ? "✔" : "✖"} ${step.name} (${result.seconds.toFixed(1)} s)`);
      if (!step.counted) totals.add(result.ok ? { passed: 1 } : { failed: 1 });
      if (!result.ok) failed.push({ step, result });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failed;
}

await launch(async () => {
  const node = supportedNode();
  ensureDependencies(node);
  const skipAt = process.argv.indexOf("--skip");
  const skipped = skipAt < 0 ? undefined : process.argv[skipAt + 1];
  const totals = openTotals();
  const failed = await runAll(
    stepsFor(node).filter(({ name }) => name !== skipped),
    totals,
  );
  for (const { step, result } of failed) {
    console.log(`\n${step.name} failed (${result.why}):\n${result.output.trimEnd()}`);
  }
  if (failed.length > 0) console.log(`\ncheck failed: ${failed.map(({ step }) => step.name).join(", ")}`);
  totals.close();
  process.exitCode = failed.length > 0 ? 1 : 0;
});
