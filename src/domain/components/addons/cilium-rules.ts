/** What Cilium's agent and operator may do, as data. */

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const READ = ["get", "list", "watch"];
const WRITE = ["create", "update", "patch", "delete"];

function rule(apiGroup: string, resources: readonly string[], verbs: readonly string[]): Rule {
  return { apiGroups: [apiGroup], resources, verbs };
}

export const agentRules: readonly Rule[] = [
  rule("networking.k8s.io", ["networkpolicies"], READ),
  rule("discovery.k8s.io", ["endpointslices"], READ),
  rule("", ["namespaces", "services", "pods", "nodes", "configmaps"], READ),
  rule("", ["events"], ["create", "patch"]),
  rule("", ["nodes/status"], ["patch"]),
  rule("coordination.k8s.io", ["leases"], ["create", "get", "update", "list", "delete"]),
  rule("apiextensions.k8s.io", ["customresourcedefinitions"], READ),
  rule("policy.networking.k8s.io", ["clusternetworkpolicies"], READ),
  rule("cilium.io", ["*"], ["list", "watch"]),
  rule("cilium.io", ["ciliumidentities", "ciliumendpoints", "ciliumnodes"], ["create"]),
  rule("cilium.io", ["ciliumidentities"], ["update"]),
  rule("cilium.io", ["ciliumendpoints"], ["delete", "get"]),
  rule("cilium.io", ["ciliumnodes", "ciliumnodes/status"], ["get", "update"]),
  rule(
    "cilium.io",
    [
      "ciliumendpoints/status",
      "ciliumendpoints",
      "ciliuml2announcementpolicies/status",
      "ciliumbgpnodeconfigs/status",
    ],
    ["patch"],
  ),
];

export const operatorRules: readonly Rule[] = [
  rule("", ["pods"], [...READ, "delete"]),
  rule("", ["configmaps"], [...READ, "patch"]),
  rule("", ["nodes"], ["list", "watch", "patch"]),
  rule("", ["nodes/status"], ["patch"]),
  rule("", ["services/status"], ["update", "patch"]),
  rule("", ["namespaces", "serviceaccounts", "services"], READ),
  rule("discovery.k8s.io", ["endpointslices"], READ),
  rule(
    "apiextensions.k8s.io",
    ["customresourcedefinitions", "customresourcedefinitions/status"],
    [...READ, "create", "update"],
  ),
  rule("cilium.io", ["*"], [...READ, ...WRITE, "deletecollection"]),
  rule("coordination.k8s.io", ["leases"], ["create", "get", "update"]),
];
