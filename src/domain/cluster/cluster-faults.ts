/** All rules between clusters, their machines and the appliance's network, applied to documents that parse. */
import type { Fault } from "../errors.ts";
import { macsOf } from "../machine.ts";
import type { MachineSpec } from "../machine-spec.ts";
import { componentFindings } from "./component-findings.ts";
import { addressesOf, endpointFindings } from "./endpoint-faults.ts";
import { type CheckedCluster, type CheckedMachine, type Finding, type RackFacts, refuse } from "./finding.ts";
import { faultIn } from "./inherit.ts";
import { applianceFindings, installFindings } from "./machine-faults.ts";
import { memberFindings } from "./member-faults.ts";
import { clusterView } from "./members.ts";
import { clusterNetworkFindings } from "./network-faults.ts";
import { faultAt } from "./resource.ts";
import type { ResourceSet } from "./resource-set.ts";
import { versionFindings } from "./version-faults.ts";

export interface Judgement {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
}

/** A machine that was registered by itself, without a document. */
export interface OtherMachine {
  readonly name: string;
  readonly spec: MachineSpec;
}

/** Judges resolved documents together with the machines that have none. */
export function judgeClusters(
  set: ResourceSet,
  { facts, others }: { readonly facts: RackFacts; readonly others: readonly OtherMachine[] },
): Judgement {
  const elsewhere = new Set<Fault>();
  // Those without a document come first: what both want is then told at the document.
  const machines: readonly CheckedMachine[] = [
    ...others.map(({ name, spec }) => ({
      name,
      spec,
      at: (path: readonly PropertyKey[], message: string) => {
        const fault = { path: [`machine ${name}`, ...path.map(String)].join(", "), message };
        elsewhere.add(fault);
        return fault;
      },
    })),
    ...set.machines.map(({ name, spec, layers }) => ({
      name,
      spec,
      at: (path: readonly PropertyKey[], message: string) => named(name, faultIn(layers, path, message)),
    })),
  ];
  const clusters = set.clusters.map(
    ({ name, spec, resource }): CheckedCluster => ({
      view: clusterView({ name, spec }, machines),
      at: (path, message) => faultAt(resource, path, message),
      machines: machines.filter((machine) => machine.spec.cluster === name),
    }),
  );
  const findings = [
    ...twinFindings(machines),
    ...machines.flatMap(installFindings),
    ...applianceFindings(machines, facts),
    ...clusters.flatMap((cluster) => [
      ...clusterNetworkFindings(cluster, facts),
      ...endpointFindings(cluster, { facts, clusters, machines }),
      ...memberFindings(cluster, facts),
      ...versionFindings(cluster, facts),
      ...componentFindings(cluster),
    ]),
  ];
  // A machine that no document describes cannot be mended in one, so it stops none.
  const refused = findings.filter(({ severity, fault }) => severity === "fault" && !elsewhere.has(fault));
  const told = findings.filter((finding) => !refused.includes(finding));
  return { faults: refused.map(({ fault }) => fault), warnings: told.map(({ fault }) => fault) };
}

/** A finding about one machine says which, also where its value stands in a profile or group. */
function named(machine: string, fault: Fault): Fault {
  const own = fault.path === `Machine ${machine}` || fault.path.startsWith(`Machine ${machine},`);
  return own || fault.message.startsWith(`${machine} `)
    ? fault
    : { ...fault, message: `${machine}: ${fault.message}` };
}

/** MACs and addresses that two machines want. */
function twinFindings(machines: readonly CheckedMachine[]): readonly Finding[] {
  const owners = new Map<string, string>();
  const claim = (
    machine: CheckedMachine,
    value: string,
    path: readonly PropertyKey[],
  ): readonly Finding[] => {
    const owner = owners.get(value);
    if (owner === undefined) owners.set(value, machine.name);
    if (owner === undefined || owner === machine.name) return [];
    return [refuse(machine.at(path, `${value} belongs to machine ${owner}`))];
  };
  return machines.flatMap((machine) => [
    ...macsOf(machine.spec).flatMap((mac) => claim(machine, mac, ["mac"])),
    ...addressesOf(machine.spec).flatMap((address) => claim(machine, address, ["address"])),
  ]);
}
