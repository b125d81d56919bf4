/** What the checks of clusters hand back, and what they look at. */
import type { SubnetSettings } from "../dhcp/network-config.ts";
import type { Fault } from "../errors.ts";
import type { MachineSpec } from "../machine-spec.ts";
import type { ClusterView } from "./members.ts";

/** A fault refuses the documents; a warning is told and lets them pass. */
export interface Finding {
  readonly severity: "fault" | "warning";
  readonly fault: Fault;
}

/** Writes a finding at a path of a spec. */
export type At = (path: readonly PropertyKey[], message: string) => Fault;

/** A machine that belongs to a cluster or stands beside it, and where it was described. */
export interface CheckedMachine {
  readonly name: string;
  readonly spec: MachineSpec;
  readonly at: At;
}

export interface CheckedCluster {
  readonly view: ClusterView;
  readonly at: At;
  /** Every machine that says it belongs here, those without a stable address too. */
  readonly machines: readonly CheckedMachine[];
}

/** Kubernetes minors that an add-on declares, both ends included: `1.34` to `1.36`. */
export interface DeclaredRange {
  readonly from: string;
  readonly to: string;
}

/** What the checks need to know of an entry of the catalogue; domain/components/addons has the entries. */
export interface KnownAddon {
  /** `network` entries are chosen by `network.cni`, the others by `addons`. */
  readonly kind: "network" | "addon";
  readonly kubernetes?: DeclaredRange;
  /** Faults of what a person says about it; paths are those of the parameters. */
  readonly faults?: (parameters: unknown) => readonly Fault[];
}

/** What the checks need to know of the appliance and its network. */
export interface RackFacts {
  readonly mode: "off" | "proxy" | "server";
  /** The appliance's own address. */
  readonly address?: string | undefined;
  /** Networks that the appliance knows, with their pools. */
  readonly subnets: readonly SubnetSettings[];
  /** The catalogue, by name; undefined lets every name pass. */
  readonly addons?: ReadonlyMap<string, KnownAddon> | undefined;
}

export function refuse(fault: Fault): Finding {
  return { severity: "fault", fault };
}

export function warn(fault: Fault): Finding {
  return { severity: "warning", fault };
}

/** `control plane`, `2 control planes` */
export function counted(count: number, thing: string): string {
  return count === 1 ? `1 ${thing}` : `${count} ${thing}s`;
}
