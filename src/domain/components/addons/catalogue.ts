/** The catalogue: every pod network and add-on that clusters can name. */
import type { ClusterSpec } from "../../cluster/cluster-spec.ts";
import type { Fault } from "../../errors.ts";
import type { Addon } from "./addon.ts";
import { calico, canal } from "./calico.ts";
import { certManager } from "./cert-manager.ts";
import { cilium } from "./cilium.ts";
import { eck } from "./eck.ts";
import { flannel } from "./flannel.ts";
import { headlamp } from "./headlamp.ts";
import { kubePrometheus } from "./kube-prometheus.ts";
import { logging } from "./logging.ts";
import { metallb } from "./metallb.ts";
import { metricsServer } from "./metrics-server.ts";
import { none, routed } from "./plain-networks.ts";
import { registry } from "./registry.ts";
import { rookCeph } from "./rook-ceph.ts";
import { traefik } from "./traefik.ts";

/** Pod networks first, then add-ons, each by name. */
export const CATALOGUE: readonly Addon[] = [
  calico,
  canal,
  cilium,
  flannel,
  none,
  routed,
  certManager,
  eck,
  headlamp,
  kubePrometheus,
  logging,
  metallb,
  metricsServer,
  registry,
  rookCeph,
  traefik,
];

/** An entry and what a cluster says about it. */
export interface ChosenAddon {
  readonly addon: Addon;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The add-on of that name; pod networks are none. */
export function addonNamed(name: string): Addon | undefined {
  return CATALOGUE.find((each) => each.kind === "addon" && each.name === name);
}

/** The pod network of that name. */
export function networkNamed(name: string): Addon | undefined {
  return CATALOGUE.find((each) => each.kind === "network" && each.name === name);
}

/** Add-ons by name with the Kubernetes minors they declare: what a cluster's resource is checked against. */
export function declaredRanges(): ReadonlyMap<string, Addon["kubernetes"]> {
  return new Map(
    CATALOGUE.filter(({ kind }) => kind === "addon").map(({ name, kubernetes }) => [name, kubernetes]),
  );
}

/** What a cluster has chosen: its pod network, then its add-ons in their order. Names that are unknown are left out. */
export function chosenAddons(spec: ClusterSpec): readonly ChosenAddon[] {
  const network = networkNamed(spec.network.cni);
  const addons = spec.addons.flatMap(({ name, parameters }) => {
    const addon = addonNamed(name);
    return addon ? [{ addon, parameters }] : [];
  });
  return [...(network ? [{ addon: network, parameters: spec.network.cniOptions }] : []), ...addons];
}

/** Images of a cluster's pod network and add-ons, each once. */
export function addonImages(spec: ClusterSpec): readonly string[] {
  return [...new Set(chosenAddons(spec).flatMap(({ addon }) => addon.images))];
}

/** What is wrong with the versions and parameters that a cluster gives its pod network and its add-ons; paths are those of its spec. */
export function addonFaults(spec: ClusterSpec): readonly Fault[] {
  const network = networkNamed(spec.network.cni);
  const ofNetwork = network ? below("network.cniOptions", network.faults(spec.network.cniOptions)) : [];
  const ofAddons = spec.addons.flatMap(({ name, version, parameters }, index) => {
    const addon = addonNamed(name);
    if (!addon) return [];
    const path = `addons[${index}]`;
    const other = version !== undefined && version !== addon.version;
    const message = `${name} ${version ?? ""} is not in the catalogue: this appliance has ${addon.version}`;
    return [
      ...(other ? [{ path: `${path}.version`, message }] : []),
      ...below(`${path}.parameters`, addon.faults(parameters)),
    ];
  });
  return [...ofNetwork, ...ofAddons];
}

function below(path: string, faults: readonly Fault[]): readonly Fault[] {
  return faults.map((fault) => ({ ...fault, path: fault.path === "" ? path : `${path}.${fault.path}` }));
}
