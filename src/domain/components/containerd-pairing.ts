/**
 * Which containerd fits which Kubernetes: containerd's own support table as data, and what Debian ships.
 */
import { compareVersions, parseVersion } from "./version.ts";

/**
 * How a pair stands: `declared` by containerd's project; `works` without being declared (the reason says what to
 * expect); `unfit` pairs are refused.
 */
export type PairFit =
  | { readonly fit: "declared" }
  | { readonly fit: "works" | "unfit"; readonly reason: string };

interface ContainerdLine {
  /** For example `1.7`. */
  readonly line: string;
  /** Kubernetes minors with the least patch of this line that the project names for them. */
  readonly declared: Readonly<Record<string, number>>;
  /** Kubernetes minors it was seen to run with, undeclared. */
  readonly works: readonly string[];
  readonly note: string;
}

const LINES: readonly ContainerdLine[] = [
  {
    line: "1.7",
    declared: { "1.35": 28 },
    works: ["1.35", "1.36", "1.37"],
    note: "it does not tell the kubelet its cgroup driver, which is therefore set in the kubelet's configuration; Kubernetes 1.38 will refuse it",
  },
  {
    line: "2.1",
    declared: { "1.35": 5 },
    works: ["1.36"],
    note: "containerd 2.1 gets no fixes since July 2026",
  },
  {
    line: "2.2",
    declared: { "1.35": 0, "1.36": 0 },
    works: ["1.37"],
    note: "containerd 2.2 gets no fixes since November 2026",
  },
  {
    line: "2.3",
    declared: { "1.36": 0, "1.37": 0 },
    works: ["1.35"],
    note: "the project declares 2.3 for Kubernetes 1.36 and newer",
  },
  {
    line: "2.4",
    declared: { "1.37": 0 },
    works: ["1.35", "1.36"],
    note: "the project declares 2.4 for Kubernetes 1.37 and newer",
  },
];

/** containerd as Debian releases carry it, by Debian's version. */
export const DEBIAN_CONTAINERD: Readonly<Record<string, string>> = { "12": "1.6.20", "13": "1.7.24" };

/** How containerd `containerd` (for example `2.3.4`) and a Kubernetes minor (for example `1.36`) go together. */
export function pairContainerd({
  containerd,
  kubernetesMinor,
}: {
  readonly containerd: string;
  readonly kubernetesMinor: string;
}): PairFit {
  const version = parseVersion(containerd);
  if (!version)
    return { fit: "unfit", reason: `"${containerd}" is not an exact containerd version such as 2.3.4` };
  const line = LINES.find((each) => each.line === `${version.major}.${version.minor}`);
  const least = line?.declared[kubernetesMinor];
  if (least !== undefined && compareVersions(version, { ...version, patch: least }) >= 0)
    return { fit: "declared" };
  if (line?.works.includes(kubernetesMinor) === true) return { fit: "works", reason: line.note };
  return {
    fit: "unfit",
    reason: `containerd ${containerd} and Kubernetes ${kubernetesMinor} do not go together; ${alternatives(kubernetesMinor)}`,
  };
}

function alternatives(kubernetesMinor: string): string {
  const lines = LINES.filter((each) => each.declared[kubernetesMinor] !== undefined).map(
    ({ line, declared }) => `${line}.${String(declared[kubernetesMinor] ?? 0)} or newer of ${line}`,
  );
  return lines.length > 0 ? `use ${lines.join(", ")}` : "this Kubernetes minor is not known";
}
