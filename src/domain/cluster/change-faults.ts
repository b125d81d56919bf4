/** What cannot change any more once a cluster has begun: it is written into certificates, etcd and every node. */
import type { Fault } from "../errors.ts";
import type { ClusterSpec } from "./cluster-spec.ts";
import type { At } from "./finding.ts";

interface Fixed {
  readonly key: readonly PropertyKey[];
  readonly of: (spec: ClusterSpec) => unknown;
  readonly why: string;
}

const FIXED: readonly Fixed[] = [
  {
    key: ["kubernetes", "version"],
    of: ({ kubernetes }) => kubernetes.version,
    why: "another version is an upgrade, one node after the other, and not a change of this field",
  },
  {
    key: ["endpoint", "address"],
    of: ({ endpoint }) => endpoint?.address,
    why: "every node and certificate names it",
  },
  { key: ["endpoint", "port"], of: ({ endpoint }) => endpoint?.port, why: "every node connects to it" },
  { key: ["apiPort"], of: ({ apiPort }) => apiPort, why: "every API server listens on it" },
  { key: ["etcd", "topology"], of: ({ etcd }) => etcd.topology, why: "the data lives where it began" },
  {
    key: ["network", "podCIDR"],
    of: ({ network }) => network.podCIDR,
    why: "every node has its part of it",
  },
  {
    key: ["network", "serviceCIDR"],
    of: ({ network }) => network.serviceCIDR,
    why: "services have their addresses from it",
  },
  {
    key: ["network", "dnsDomain"],
    of: ({ network }) => network.dnsDomain,
    why: "certificates and every pod name it",
  },
  { key: ["network", "cni"], of: ({ network }) => network.cni, why: "a running pod network is not replaced" },
  { key: ["pki", "keyAlgorithm"], of: ({ pki }) => pki.keyAlgorithm, why: "its certificates exist" },
];

/** A fault for everything that may not change while the cluster lives. */
export function changeFaults(before: ClusterSpec, after: ClusterSpec, at: At): readonly Fault[] {
  return FIXED.flatMap(({ key, of, why }) => {
    const [old, now] = [of(before), of(after)];
    if (old === now) return [];
    const message = `${String(now)} cannot replace ${String(old)}: the cluster has begun, and ${why}`;
    return [at(key, message)];
  });
}
