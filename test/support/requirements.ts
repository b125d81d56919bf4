/** docs/requirements.md: which test proves which requirement, read from the names of the tests. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");

/** What firmware asks for by protocol, and what the five clusters of examples/ ask for line by line. */
const ID = String.raw`(?:[DPTH]|S[0-4])-\d{2}`;

export interface RequirementList {
  /** Requirement ID to its title. */
  readonly requirements: Readonly<Record<string, string>>;
  /** Requirement ID to the reason why no test proves it. */
  readonly notHere: Readonly<Record<string, string>>;
}

/** test/requirements.json */
export function readRequirements(): RequirementList {
  return JSON.parse(readFileSync(path.join(root, "test/requirements.json"), "utf8")) as RequirementList;
}

/** Requirement ID to the test files that name it, relative to the top directory and sorted. */
export function coverage(
  directory: string = path.join(root, "test"),
): ReadonlyMap<string, readonly string[]> {
  const covered = new Map<string, Set<string>>();
  for (const file of testFiles(directory)) {
    for (const id of idsIn(readFileSync(path.join(directory, file), "utf8"))) {
      const files = covered.get(id) ?? new Set();
      covered.set(id, files.add(path.join("test", file)));
    }
  }
  return new Map([...covered].map(([id, files]) => [id, [...files].sort()]));
}

/** The IDs at the start of test names: `test("D-34, D-36 …"`, also in template literals and `it(`. */
export function idsIn(source: string): ReadonlySet<string> {
  const calls = String.raw`\b(?:test|it|describe|suite)\(\s*`;
  const tables = String.raw`\b(?:name|title|id|ids|requirement):\s*`;
  const names = new RegExp(`(?:${calls}|${tables})["'\`]((?:${ID}[,\\s]*)+)`, "g");
  const lists = [...source.matchAll(names)].map(([, ids]) => ids ?? "");
  return new Set(lists.flatMap((ids) => ids.match(new RegExp(ID, "g")) ?? []));
}

/** IDs that have neither a test nor a reason, and IDs in tests that nobody has defined. */
export function gaps(
  list: RequirementList,
  covered: ReadonlyMap<string, readonly string[]>,
): { readonly missing: readonly string[]; readonly undefined: readonly string[] } {
  const ids = Object.keys(list.requirements);
  return {
    missing: ids.filter((id) => !covered.has(id) && list.notHere[id] === undefined),
    undefined: [...covered.keys()].filter((id) => list.requirements[id] === undefined).sort(),
  };
}

/** The whole document. */
export function requirementsPage(
  list: RequirementList,
  covered: ReadonlyMap<string, readonly string[]>,
): string {
  const ids = Object.keys(list.requirements);
  const proven = ids.filter((id) => covered.has(id)).length;
  const groups = [
    ["DHCP", "D"],
    ["PXE", "P"],
    ["TFTP", "T"],
    ["HTTP boot", "H"],
    ["Clusters: examples/production-grade", "S0"],
    ["Clusters: examples/on-the-cheap", "S1"],
    ["Clusters: examples/debian-ha", "S2"],
    ["Clusters: examples/molly", "S3"],
    ["Clusters: examples/hard-way", "S4"],
  ] as const;
  return [
    "# Requirements and their tests",
    "",
    "Generated from the names of the tests by `node test/support/write-docs.ts`; a test fails when this page is stale, or when an",
    "ID has neither a test nor a reason in `test/requirements.json`. DHCPv6 is not part of this version.",
    "",
    `${proven} of ${ids.length} are covered by tests.`,
    ...groups.flatMap(([title, letter]) => [
      "",
      `## ${title}`,
      "",
      "| ID | requirement | status | tests |",
      "|---|---|---|---|",
      ...ids.filter((id) => id.startsWith(`${letter}-`)).map((id) => row(id, list, covered)),
    ]),
    "",
  ].join("\n");
}

function row(id: string, list: RequirementList, covered: ReadonlyMap<string, readonly string[]>): string {
  const files = covered.get(id) ?? [];
  const reason = list.notHere[id];
  const status =
    files.length > 0 ? "covered" : reason === undefined ? "**missing**" : `not here, because ${reason}`;
  return `| ${id} | ${list.requirements[id] ?? ""} | ${status} | ${files.join("<br>")} |`;
}

function testFiles(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.startsWith("support/") && !file.startsWith("unit/docs/"))
    .sort();
}
