/** Rules of a cluster's machines: roles that fit together, an odd etcd, addresses that stay, hosts that fail apart. */
import { parseIpv4 } from "../../net/ipv4.ts";
import { contains, parseSubnet } from "../../net/subnet.ts";
import { parseSize } from "../install/size.ts";
import type { Role } from "../machine-spec.ts";
import {
  type CheckedCluster,
  type CheckedMachine,
  counted,
  type Finding,
  type RackFacts,
  refuse,
  warn,
} from "./finding.ts";
import { etcdMembersOf, membersWith, stableAddressOf } from "./members.ts";
import { homeNetworkOf, takenByNetwork } from "./network-faults.ts";

/** Everything wrong with the machines of one cluster. */
export function memberFindings(cluster: CheckedCluster, facts: RackFacts): readonly Finding[] {
  return [
    ...etcdFindings(cluster),
    ...roleFindings(cluster),
    ...cluster.machines.flatMap((machine) => addressFindings(machine, cluster, facts)),
    ...hostFindings(cluster),
    ...cluster.machines.flatMap((machine) => [
      ...sizeFindings(machine),
      ...labelFindings(machine),
      ...diskFindings(machine),
    ]),
  ];
}

function etcdFindings({ view, at }: CheckedCluster): readonly Finding[] {
  if (view.members.length === 0) {
    return [warn(at([], "no machine belongs to this cluster yet"))];
  }
  const external = view.spec.etcd.topology === "external";
  const count = etcdMembersOf(view).length;
  const thing = external ? "etcd host" : "control plane";
  const key = external ? ["etcd", "topology"] : ["machines"];
  const findings: Finding[] = [];
  if (membersWith(view, "control-plane").length === 0) {
    findings.push(warn(at([], "no machine has the role control-plane, so nothing will begin this cluster")));
  }
  if (count > 0 && count % 2 === 0) {
    const message = `${counted(count, thing)} make an etcd of ${count} members, which survives no more failures than ${count - 1}; use 1, 3 or 5`;
    findings.push(refuse(at(key, message)));
  } else if (count > 5) {
    findings.push(warn(at(key, `an etcd of ${count} members writes slowly; 5 survive two failures`)));
  }
  if (external && count === 0) {
    findings.push(refuse(at(key, "an external etcd needs 1, 3 or 5 machines with the role etcd")));
  }
  return findings;
}

function roleFindings({ view, machines }: CheckedCluster): readonly Finding[] {
  const { etcd, endpoint } = view.spec;
  return machines.flatMap(({ spec, at, name }): Finding[] => {
    const roles = new Set<Role>(spec.roles);
    if (roles.size === 0) {
      return [refuse(at(["roles"], `is required: what is ${name} for in cluster ${view.name}?`))];
    }
    const findings: Finding[] = [];
    if (roles.has("etcd") && etcd.topology === "stacked") {
      const message = "etcd runs on the control planes here; leave the role etcd out, or set etcd.topology";
      findings.push(refuse(at(["roles"], message)));
    }
    if (roles.has("load-balancer") && endpoint?.provider !== "dedicated-haproxy") {
      const message = "nothing is balanced here unless endpoint.provider is dedicated-haproxy";
      findings.push(warn(at(["roles"], message)));
    }
    return findings;
  });
}

/** A member's address: one that stays, in the cluster's network, and nobody else's. */
export function addressFindings(
  { spec, at, name }: CheckedMachine,
  cluster: CheckedCluster,
  facts: RackFacts,
): readonly Finding[] {
  const address = stableAddressOf(spec);
  if (address === undefined) {
    const danger =
      facts.mode === "server"
        ? "its members find each other at addresses that stay"
        : "another DHCP server may give the machine a new one at any time";
    const message = `${name} needs an address of its own, or a static one in interfaces: it belongs to a cluster, and ${danger}`;
    return [refuse(at(["address"], message))];
  }
  const what = takenByNetwork(address, { cluster, facts });
  if (what !== undefined) return [refuse(at(["address"], `${address} is ${what}`))];
  const findings: Finding[] = [];
  const nodes = parseSubnet(cluster.view.spec.network.nodes?.cidr ?? "");
  const ip = parseIpv4(address);
  const described = spec.interfaces.some((nic) => nic.address?.startsWith(`${address}/`));
  if (nodes && ip !== undefined && !contains(nodes, ip) && !described) {
    const cidr = cluster.view.spec.network.nodes?.cidr ?? "";
    const message = `${address} lies outside ${cidr}, the network of this cluster's machines; describe the NIC in interfaces`;
    return [refuse(at(["address"], message))];
  }
  if (spec.address !== undefined && !homeNetworkOf(address, { cluster, facts })) {
    const message = `no network is known that holds ${address}; say it in the cluster's network.nodes, or describe the machine's NIC in interfaces`;
    findings.push(refuse(at(["address"], message)));
  }
  return findings;
}

/** Control planes, or etcd members, that fail together because they share a physical machine. */
function hostFindings({ view, machines }: CheckedCluster): readonly Finding[] {
  const voters = new Set(
    [...etcdMembersOf(view), ...membersWith(view, "control-plane")].map(({ name }) => name),
  );
  const hosts = Map.groupBy(
    machines.filter(({ name, spec }) => voters.has(name) && spec.host !== undefined),
    ({ spec }) => spec.host,
  );
  return [...hosts].flatMap(([host, together]) => {
    const last = together.at(-1);
    if (together.length < 2 || !last) return [];
    const names = together.map(({ name }) => name).join(" and ");
    return [warn(last.at(["host"], `${names} all run on ${host ?? ""} and fail with it`))];
  });
}

interface Minimum {
  readonly cpus: number;
  readonly memory: number;
  readonly disk: number;
}

const GB = 1_000_000_000;

/** What kubeadm, etcd and haproxy need to work well; roles that are not named need what any Debian does. */
const MINIMUMS: Readonly<Partial<Record<Role, Minimum>>> = {
  "control-plane": { cpus: 2, memory: 2 * GB, disk: 20 * GB },
  etcd: { cpus: 2, memory: 1 * GB, disk: 10 * GB },
  worker: { cpus: 1, memory: 1 * GB, disk: 10 * GB },
  storage: { cpus: 2, memory: 4 * GB, disk: 20 * GB },
  registry: { cpus: 1, memory: 1 * GB, disk: 20 * GB },
  "load-balancer": { cpus: 1, memory: GB / 2, disk: 5 * GB },
};

function sizeFindings({ spec, at }: CheckedMachine): readonly Finding[] {
  const { size } = spec;
  if (!size) return [];
  const has = {
    cpus: size.cpus,
    memory: size.memory === undefined ? undefined : parseSize(size.memory),
    disk: size.disk === undefined ? undefined : parseSize(size.disk),
  };
  return spec.roles.flatMap((role) => {
    const minimum = MINIMUMS[role];
    if (!minimum) return [];
    return (["cpus", "memory", "disk"] as const).flatMap((what) => {
      const given = has[what];
      if (given === undefined || given >= minimum[what]) return [];
      const wanted = what === "cpus" ? String(minimum.cpus) : `${minimum[what] / GB}GB`;
      return [
        warn(
          at(["size", what], `${String(size[what])} is less than the ${wanted} that the role ${role} needs`),
        ),
      ];
    });
  });
}

const KUBELET_LABELS = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
]);

/** The kubelet does not start with labels of Kubernetes' own that it may not give itself. */
function labelFindings({ spec, at }: CheckedMachine): readonly Finding[] {
  return Object.keys(spec.labels ?? {}).flatMap((label) => {
    const [prefix = "", name] = label.split("/");
    const reserved = name !== undefined && /(^|\.)(kubernetes|k8s)\.io$/.test(prefix);
    const allowed =
      KUBELET_LABELS.has(label) || /(^|\.)(node|kubelet)\.kubernetes\.io$/.test(prefix) || !reserved;
    if (allowed) return [];
    const message = `a node may not give itself the label ${label}; use a prefix of your own, or node.kubernetes.io/`;
    return [refuse(at(["labels", label], message))];
  });
}

/** A machine with data disks has more than one disk: "the only one" would stop its installation. */
function diskFindings({ spec, at }: CheckedMachine): readonly Finding[] {
  if ((spec.dataDisks ?? []).length === 0 || spec.install.layout === "raid1") return [];
  const rule = Array.isArray(spec.install.disk) ? spec.install.disk[0] : spec.install.disk;
  const told = Object.entries(rule).some(([key, value]) => key !== "match" && value !== undefined);
  if (told || (rule.match !== undefined && rule.match !== "only")) return [];
  const message =
    "the install disk is not the only one where there are dataDisks; name it by size, serial or path";
  return [refuse(at(["install", "disk"], message))];
}
