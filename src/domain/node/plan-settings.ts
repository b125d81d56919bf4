/** What the node script reads before anything else, as assignments of a shell. */
import { isNode, membersWith } from "../cluster/members.ts";
import type { Role } from "../machine-spec.ts";
import { balancerPorts, balances } from "./endpoint-hosts.ts";
import type { NodePlan, NodePlanInput } from "./plan-types.ts";
import { stepNames } from "./steps.ts";
import { usesResolver } from "./system-files.ts";

/** Least CPUs and memory (MiB) by role; a machine below them is warned about and goes on. */
const LEAST = {
  "control-plane": { cpus: 2, memory: 1700 },
  worker: { cpus: 1, memory: 900 },
  other: { cpus: 1, memory: 400 },
} as const;

const SECRET_ROLES: readonly Role[] = ["control-plane", "registry", "admin"];

type Lists = Pick<NodePlan, "packages" | "modules" | "images">;

/** The settings of one member. Nothing secret is in them. */
export function planSettings(input: NodePlanInput, lists: Lists): NodePlan["settings"] {
  const { member, cluster } = input;
  return {
    CLUSTER: cluster.name,
    ADDRESS: member.address,
    ROLES: member.roles.join(" "),
    STEPS: stepNames(input).join(" "),
    ...membership(input),
    ...leastSizes(input),
    ...network(input),
    FIREWALL: cluster.spec.node.firewall,
    REGISTRY_DATA: cluster.spec.registry.dataDir,
    REGISTRY_PORT: cluster.spec.registry.port,
    PACKAGES: lists.packages.join(" "),
    MODULES: lists.modules.join(" "),
    IMAGES: lists.images.join(" "),
  };
}

/** Whether the machine asks for turns, which service makes it a member, whether it is given secrets, where etcd is. */
function membership({ member, cluster }: NodePlanInput): NodePlan["settings"] {
  const { etcd, apiPort } = cluster.spec;
  const { roles } = member;
  const external = etcd.topology === "external";
  const etcdHost = external && roles.includes("etcd");
  const runsEtcd = etcdHost || (!external && roles.includes("control-plane"));
  const asService = etcdHost && !isNode(member) && etcd.deployment === "systemd";
  const secret = etcdHost || roles.some((role) => SECRET_ROLES.includes(role));
  return {
    MEMBER: isNode(member) || etcdHost ? 1 : 0,
    MEMBER_SERVICE: asService ? "etcd.service" : "kubelet.service",
    SECRETS: secret ? 1 : 0,
    API_PORT: apiPort,
    ETCD: runsEtcd ? 1 : 0,
    ETCD_TOPOLOGY: etcd.topology,
    ETCD_DATA: etcd.dataDir,
  };
}

function leastSizes({ member }: NodePlanInput): NodePlan["settings"] {
  const role = member.roles.includes("control-plane") ? "control-plane" : isNode(member) ? "worker" : "other";
  return { LEAST_CPUS: LEAST[role].cpus, LEAST_MEMORY: LEAST[role].memory };
}

function network(input: NodePlanInput): NodePlan["settings"] {
  const { cluster } = input;
  const { endpoint } = cluster.spec;
  const resolvers = usesResolver(input) ? membersWith(cluster, "dns") : [];
  return {
    INTERFACE: endpoint?.interface ?? "",
    CNI: cluster.spec.network.cni,
    POD_CIDR: cluster.spec.network.podCIDR,
    RESOLVER: resolvers.map(({ address }) => address).join(" "),
    BALANCER_PORTS: endpoint && balances(input) ? balancerPorts(endpoint).join(" ") : "",
  };
}
