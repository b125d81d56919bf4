/** What cannot change any more once a cluster has begun: it is written into certificates, etcd and every node. */
import type { Fault } from "../errors.ts";
import type { LifecycleState, Machine } from "../machine.ts";
import type { MachineSpec } from "../machine-spec.ts";
import type { ClusterSpec } from "./cluster-spec.ts";
import type { At } from "./finding.ts";

interface Fixed {
  readonly key: readonly PropertyKey[];
  readonly of: (spec: ClusterSpec) => unknown;
  readonly why: string;
}

/** States in which a machine has been given its place in a cluster. */
const JOINED: readonly LifecycleState[] = [
  "preparing",
  "waiting",
  "joining",
  "ready",
  "draining",
  "removing",
];

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

/** Fields of a machine that its cluster has written down on other machines. */
const MEMBER_FIELDS = ["cluster", "address", "roles", "interfaces"] as const;

/** Why a machine that is on its way into a cluster, or in it, cannot become what a document wants; empty when it can. */
export function memberChangeFaults(before: Machine, after: MachineSpec, at: At): readonly Fault[] {
  const { name, spec, state } = before;
  if (spec.cluster === undefined || !JOINED.includes(state)) return [];
  return MEMBER_FIELDS.filter((key) => JSON.stringify(spec[key]) !== JSON.stringify(after[key])).map((key) =>
    at(
      [key],
      `${name} is ${state} in cluster ${spec.cluster ?? ""}, where others know it as it is; \`muster reimage ${name}\`, apply this, then power it on`,
    ),
  );
}
