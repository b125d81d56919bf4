/** Rules of one machine, whether a document describes it or somebody registers it by itself. */
import type { Fault } from "../errors.ts";
import type { MachineSpec } from "../machine-spec.ts";
import { closest } from "../suggest.ts";
import { pathText } from "../value-path.ts";
import { addressesOf } from "./endpoint-faults.ts";
import { type CheckedMachine, type Finding, type RackFacts, refuse } from "./finding.ts";
import { addressFindings } from "./member-faults.ts";
import type { ClusterView } from "./members.ts";

/** Layouts and disks that do not fit each other: the installer would stop at them, or take one disk of two. */
export function installFindings({ spec: { install }, at }: CheckedMachine): readonly Finding[] {
  const rules = Array.isArray(install.disk) ? install.disk.length : 1;
  if (install.layout === "raid1" && rules !== 2) {
    const message = "raid1 takes two disks: write two rules, like [{ match: smallest }, { match: largest }]";
    return [refuse(at(["install", "disk"], message))];
  }
  if (install.layout === "raid1" || rules === 1) return [];
  return [refuse(at(["install", "disk"], `${install.layout} takes one disk; two are for the layout raid1`))];
}

/** What stands against a machine that is registered or changed by itself. MACs and addresses of other machines are the registry's to guard. */
export function loneMachineFaults(
  { name, spec }: { readonly name: string; readonly spec: MachineSpec },
  { clusters, facts }: { readonly clusters: readonly ClusterView[]; readonly facts: RackFacts },
): readonly Fault[] {
  const at = (path: readonly PropertyKey[], message: string): Fault => ({ path: pathText(path), message });
  const machine: CheckedMachine = { name, spec, at };
  const view = clusters.find((each) => each.name === spec.cluster);
  const findings = [
    ...installFindings(machine),
    ...applianceFindings([machine], facts),
    ...endpointsTaken(machine, clusters),
    ...(view
      ? addressFindings(machine, { view, at, machines: [machine] }, facts)
      : lostCluster(machine, clusters)),
  ];
  return findings.map(({ fault }) => fault);
}

/** Addresses of machines that the appliance or a router has. */
export function applianceFindings(
  machines: readonly CheckedMachine[],
  { address, subnets }: RackFacts,
): readonly Finding[] {
  const taken = new Map<string, string>([
    ...subnets.flatMap(({ router, cidr }): [string, string][] =>
      router === undefined ? [] : [[router, `the router of ${cidr}`]],
    ),
    ...(address === undefined
      ? []
      : ([[address, "the appliance's own address"]] satisfies [string, string][])),
  ]);
  return machines.flatMap((machine) =>
    addressesOf(machine.spec).flatMap((own) => {
      const what = taken.get(own);
      return what === undefined ? [] : [refuse(machine.at(["address"], `${own} is ${what}`))];
    }),
  );
}

function endpointsTaken({ spec, at }: CheckedMachine, clusters: readonly ClusterView[]): readonly Finding[] {
  return addressesOf(spec).flatMap((own) => {
    const cluster = clusters.find(({ spec: { endpoint } }) => endpoint?.address === own);
    // A single balancer may be its cluster's endpoint itself, and what balances outside may be anywhere.
    const provider = cluster?.spec.endpoint?.provider;
    if (!cluster || provider === "external" || provider === "dedicated-haproxy") return [];
    return [refuse(at(["address"], `${own} is the endpoint of cluster ${cluster.name}`))];
  });
}

function lostCluster({ spec, at }: CheckedMachine, clusters: readonly ClusterView[]): readonly Finding[] {
  if (spec.cluster === undefined) return [];
  const near = closest(
    spec.cluster,
    clusters.map(({ name }) => name),
  );
  const hint = near === undefined ? "apply its document first" : `did you mean "${near}"?`;
  return [refuse(at(["cluster"], `there is no cluster named ${spec.cluster}; ${hint}`))];
}
