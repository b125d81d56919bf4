/** What a person writes for the rack: one cluster, its control plane and a worker. */
import { stringify } from "yaml";
import type { ClusterSpecInput } from "../../src/domain/cluster/cluster-spec.ts";
import type { MachineSpecInput, Role } from "../../src/domain/machine-spec.ts";
import { LAB_VERSION } from "../support/kubernetes-components.ts";
import { QUICK } from "../support/lab.ts";

export const CLUSTER = "rack";

/** A machine as it is in the rack, and what it is to become. */
export interface RackMember {
  readonly name: string;
  readonly mac: string;
  readonly address: string;
  readonly roles: readonly Role[];
  readonly memoryMiB: number;
  readonly cpus: number;
}

export const CONTROL_PLANE: RackMember = {
  name: "c1",
  mac: "52:54:00:6c:72:01",
  address: "10.77.0.11",
  roles: ["control-plane", "worker"],
  memoryMiB: 4096,
  cpus: 2,
};

export const WORKER: RackMember = {
  name: "w1",
  mac: "52:54:00:6c:72:02",
  address: "10.77.0.21",
  roles: ["worker"],
  memoryMiB: 2048,
  // A second processor gains an installer nothing.
  cpus: 1,
};

const LEASES = [
  { name: "leader-elect-lease-duration", value: "180s" },
  { name: "leader-elect-renew-deadline", value: "150s" },
  { name: "leader-elect-retry-period", value: "10s" },
];

/** An emulated processor is ten to twenty times slower than a real one, and has other work beside it. */
const EMULATED: Partial<ClusterSpecInput> = {
  kubeadm: {
    timeouts: {
      controlPlaneComponentHealthCheck: "30m0s",
      kubeletHealthCheck: "15m0s",
      kubernetesAPICall: "5m0s",
      etcdAPICall: "10m0s",
      tlsBootstrap: "20m0s",
      discovery: "20m0s",
    },
  },
  kubelet: { config: { nodeLeaseDurationSeconds: 160, runtimeRequestTimeout: "10m0s" } },
  etcd: {
    extraArgs: [
      { name: "heartbeat-interval", value: "1000" },
      { name: "election-timeout", value: "10000" },
    ],
  },
  controlPlane: {
    controllerManager: { extraArgs: [...LEASES, { name: "node-monitor-grace-period", value: "180s" }] },
    scheduler: { extraArgs: LEASES },
  },
};

/**
 * The one file that is applied.
 * @param members The machines of the cluster
 * @param options `emulated`: whether their processors are
 */
export function rackFile(
  members: readonly RackMember[],
  { emulated }: { readonly emulated: boolean },
): string {
  const cluster: Partial<ClusterSpecInput> = {
    kubernetes: { version: LAB_VERSION },
    network: { cni: "routed" },
    // The world outside of this bed has no crictl.
    runtime: { crictl: false },
    ...(emulated ? EMULATED : {}),
  };
  const documents = [
    document("Cluster", CLUSTER, cluster),
    ...members.map((member) => document("Machine", member.name, machineSpec(member))),
  ];
  return documents.map((each) => stringify(each, { aliasDuplicateObjects: false })).join("---\n");
}

function machineSpec({ mac, address, roles }: RackMember): MachineSpecInput {
  return {
    mac,
    address,
    cluster: CLUSTER,
    roles: [...roles],
    os: "debian-13",
    locale: "C.UTF-8",
    console: "ttyS0,115200",
    // A cluster's own network is not to be tried on a kernel without IPv6.
    kernelArguments: QUICK.filter((argument) => argument !== "ipv6.disable=1"),
  };
}

function document(kind: string, name: string, spec: object): object {
  return { apiVersion: "muster/v1", kind, metadata: { name }, spec };
}
