/** The table of docs/install-results.md: one row for each scenario, rows of earlier runs kept until they are run again. */
import type { StepResult } from "./scenario.ts";

const HEAD = `# Installations, the long way

Written by \`npm run test:install\`: each scenario is a virtual machine with real firmware that is only powered on, installs
Debian 13 with the stock installer through the appliance's mirror, restarts, runs cloud-init and reports in. Seconds are those of
the step, on a host that had other work at the same time.

\`npm run test:rack\` adds \`cluster-bios\` and \`worker-bios\`: such a machine becomes a whole Kubernetes cluster by itself, and another one
joins it as a worker. Nobody touches either of them after its power button.

Debian 12 is rendered and checked by the same tests as Debian 13 but has not been installed for real: the mirror of these runs answers
404 for its installer's partitioner, user set-up, debootstrap and boot loader packages (\`partman-partitioning\`, \`user-setup-udeb\`,
\`debootstrap-udeb\`, \`grub-installer\` and more), without which the stock installer stops at "download-installer".

| scenario | result | steps | run |
|---|---|---|---|
`;

/** Renders the document; `before` is the one that is replaced. */
export function resultsTable(input: {
  readonly results: ReadonlyMap<string, readonly StepResult[]>;
  readonly before: string;
  readonly date: Date;
  readonly acceleration: string;
}): string {
  const { results, before, date, acceleration } = input;
  const rows = new Map<string, string>();
  for (const [row, name] of before.matchAll(/^\| ([a-z0-9]+-[a-z]+) \|.*$/gm)) rows.set(name ?? "", row);
  const run = `${date.toISOString().slice(0, 10)}, ${acceleration}`;
  for (const [name, steps] of results) {
    const result = steps.some(({ failure }) => failure !== undefined) ? "FAILED" : "passed";
    rows.set(name, `| ${name} | ${result} | ${steps.map(describe).join("; ")} | ${run} |`);
  }
  return `${HEAD}${[...rows.keys()]
    .sort()
    .map((name) => rows.get(name) ?? "")
    .join("\n")}\n`;
}

function describe({ step, seconds, note, failure }: StepResult): string {
  const words = failure ?? note;
  return `${step} ${seconds.toFixed(0)} s${words === undefined ? "" : ` (${words.replaceAll("|", "/")})`}`;
}
