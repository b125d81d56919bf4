/**
 * `npm run bench`: every benchmark beside its peer in one run, as a table. Parts can be named (`npm run bench -- dhcp http`);
 * `--write` puts the table into docs/performance.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { benchDhcp } from "./dhcp.ts";
import { benchHttp } from "./http.ts";
import { benchPki } from "./pki.ts";
import { benchRender } from "./render.ts";
import { benchTftp } from "./tftp.ts";
import type { Bench } from "./udp-bed.ts";

interface Line {
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  readonly ratio: string;
}

type Part = () => Promise<readonly Line[]>;

const PARTS: Readonly<Record<string, Part>> = {
  dhcp: async () => udpLines(await benchDhcp()),
  tftp: async () => udpLines(await benchTftp()),
  http: async () => httpLines(await benchHttp()),
  render: async () => renderLines(await benchRender()),
  pki: async () => pkiLines(await benchPki()),
};

const PAGE = path.join(import.meta.dirname, "../../docs/performance.md");
const BEGIN = "<!-- measured: begin -->";
const END = "<!-- measured: end -->";

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const named = words.filter((word) => word !== "--write");
  const unknown = named.filter((name) => !(name in PARTS));
  if (unknown.length > 0) {
    console.error(`there is no benchmark ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const lines: Line[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    if (named.length > 0 && !named.includes(name)) continue;
    console.error(`measuring ${name} …`);
    lines.push(...(await part()));
  }
  const table = tableOf(lines);
  console.log(table);
  if (words.includes("--write")) writePage(table);
}

function udpLines(bench: Bench): readonly Line[] {
  if (bench.kind === "skipped") return [skipped(bench.what, bench.reason)];
  return bench.rows.map(({ what, unit, ours, peer, theirs, ratio }) => ({
    what,
    ours: `${round(ours)} ${unit}`,
    peer: `${round(theirs)} (${peer})`,
    ratio: ratio.toFixed(2),
  }));
}

function httpLines(bench: Awaited<ReturnType<typeof benchHttp>>): readonly Line[] {
  if (bench.kind === "skipped") return [skipped("HTTP", bench.reason)];
  const rows = bench.rows.map(({ what, ours, peer, unit, ratio }) => ({
    what: `HTTP: ${what}`,
    ours: `${round(ours)} ${unit}`,
    peer: `${round(peer)} (nginx)`,
    ratio: ratio.toFixed(2),
  }));
  const { warm, peak } = bench.memory;
  const memory = {
    what: "HTTP: resident memory, warm and at its highest",
    ours: `${round(warm)} and ${round(peak)} MB`,
  };
  return [...rows, { ...memory, peer: "", ratio: (peak / warm).toFixed(2) }];
}

function renderLines(rows: Awaited<ReturnType<typeof benchRender>>): readonly Line[] {
  return rows.map(({ what, machines, perSecond }) => ({
    what: `Rendered ${what}, ${machines} machines`,
    ours: `${round(perSecond)} documents/s`,
    peer: "",
    ratio: "",
  }));
}

function pkiLines({ clusters, signedPerSecond }: Awaited<ReturnType<typeof benchPki>>): readonly Line[] {
  const lines = clusters.map(({ algorithm, median, slowest }) => ({
    what: `Keys and authorities of a new cluster, ${algorithm}`,
    ours: `${median.toFixed(3)} s, the slowest of 25 ${slowest.toFixed(3)} s`,
    peer: "",
    ratio: "",
  }));
  const signed = {
    what: "Machines' signing requests, checked and signed",
    ours: `${round(signedPerSecond)}/s`,
  };
  return [...lines, { ...signed, peer: "", ratio: "" }];
}

function skipped(what: string, reason: string): Line {
  return { what, ours: `not measured: ${reason}`, peer: "", ratio: "" };
}

function round(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(1);
}

function tableOf(lines: readonly Line[]): string {
  const rows = lines.map(({ what, ours, peer, ratio }) => `| ${what} | ${ours} | ${peer} | ${ratio} |`);
  const where = `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "CPU"}, Node ${process.versions.node}`;
  return [`Measured ${where}.`, "", "| what | Muster | peer | ratio |", "|---|---|---|---|", ...rows].join(
    "\n",
  );
}

function writePage(table: string): void {
  const page = readFileSync(PAGE, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has lost its markers`);
  writeFileSync(PAGE, `${before}${BEGIN}\n${table}\n${END}${after}`);
}

await main();
