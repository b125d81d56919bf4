/** Labels and taints of a node: what its kubelet may set itself, and what only the API may. */
import type { ClusterMember, ClusterView } from "../cluster/members.ts";
import type { Taint } from "../node-labels.ts";

/** Kubernetes' own label domains; a kubelet may set only some of them (NodeRestriction). */
const RESTRICTED = /^(?:[a-z0-9.-]+\.)?(?:kubernetes\.io|k8s\.io)\//;
const ALLOWED =
  /^(?:(?:[a-z0-9.-]+\.)?(?:kubelet|node)\.kubernetes\.io\/|(?:beta\.)?kubernetes\.io\/(?:arch|os|instance-type)$|kubernetes\.io\/hostname$|topology\.kubernetes\.io\/(?:zone|region)$|failure-domain\.(?:beta\.)?kubernetes\.io\/(?:zone|region)$)/;

const CONTROL_PLANE_TAINT: Taint = {
  key: "node-role.kubernetes.io/control-plane",
  value: "",
  effect: "NoSchedule",
};

/** Service controllers leave nodes with this label out, whatever its value. */
const EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers";

type Labels = Readonly<Record<string, string>>;

/** Labels that the kubelet registers its node with, by name. */
export function kubeletLabels(member: ClusterMember, cluster: ClusterView): Labels {
  return labelsWhere(member, cluster, (key) => !RESTRICTED.test(key) || ALLOWED.test(key));
}

/**
 * Labels that a kubelet may not give itself: `node-role.kubernetes.io/worker` and its like. Somebody with rights at the
 * API sets them once the node is there.
 */
export function restrictedLabels(member: ClusterMember, cluster: ClusterView): Labels {
  const roles: Labels = member.roles.includes("worker") ? { "node-role.kubernetes.io/worker": "" } : {};
  return {
    ...roles,
    ...labelsWhere(member, cluster, (key) => RESTRICTED.test(key) && !ALLOWED.test(key)),
  };
}

/** Taints at registration; undefined leaves it to kubeadm, an empty list makes a control plane schedulable. */
export function registrationTaints(
  member: ClusterMember,
  cluster: ClusterView,
): readonly Taint[] | undefined {
  const own = member.spec.taints;
  if (!member.roles.includes("control-plane")) return own;
  return [...(takesWork(member, cluster) ? [] : [CONTROL_PLANE_TAINT]), ...(own ?? [])];
}

/**
 * Labels of kubeadm's that a member shall not have: it keeps every control plane out of load balancers, also one that
 * workloads run on, whose services would then be announced by nobody. A document that names the label keeps it.
 */
export function unwantedLabels(member: ClusterMember, cluster: ClusterView): readonly string[] {
  const named = { ...cluster.spec.node.labels, ...member.spec.labels };
  const isOpen = member.roles.includes("control-plane") && takesWork(member, cluster);
  return isOpen && !(EXCLUDED in named) ? [EXCLUDED] : [];
}

function takesWork(member: ClusterMember, cluster: ClusterView): boolean {
  return cluster.spec.controlPlane.schedulable ?? member.roles.includes("worker");
}

function labelsWhere(
  member: ClusterMember,
  cluster: ClusterView,
  condition: (key: string) => boolean,
): Labels {
  const all = { ...cluster.spec.node.labels, ...member.spec.labels };
  return Object.fromEntries(
    Object.entries(all)
      .filter(([key]) => condition(key))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
