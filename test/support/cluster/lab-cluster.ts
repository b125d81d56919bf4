/**
 * Clusters of the lab as a person would write them. What these "machines" lack against real ones (a host with cgroups of the
 * first version, no negative OOM scores, no conntrack sizes of their own) is said through fields that everybody has.
 */
import { stringify } from "yaml";
import type { ClusterSpecInput } from "../../../src/domain/cluster/cluster-spec.ts";
import type { MachineSpecInput, Role } from "../../../src/domain/machine-spec.ts";
import { LAB_VERSION } from "../kubernetes-components.ts";

export const VIP = "10.78.0.9";
/** This host limits open files to fewer than haproxy wants by default. */
export const ENDPOINT = { address: VIP, maxConnections: 4000 } as const;

/** One machine to be: its number makes MAC and address. */
export interface LabMember {
  readonly name: string;
  readonly number: number;
  readonly roles: readonly Role[];
  readonly spec?: Partial<MachineSpecInput>;
}

/** `52:54:00:78:00:0b` for 11. */
export function macOf({ number }: Pick<LabMember, "number">): string {
  return `52:54:00:78:00:${number.toString(16).padStart(2, "0")}`;
}

export function addressOf({ number }: Pick<LabMember, "number">): string {
  return `10.78.0.${number}`;
}

/** Control planes c1…, workers w1…: numbered from 11 and 21. */
export function members(counts: { readonly controlPlanes: number; readonly workers: number }): LabMember[] {
  const some = (count: number, prefix: string, from: number, roles: readonly Role[]): LabMember[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `${prefix}${index + 1}`,
      number: from + index,
      roles,
    }));
  return [
    ...some(counts.controlPlanes, "c", 11, ["control-plane"]),
    ...some(counts.workers, "w", 21, ["worker"]),
  ];
}

/** The one file that a person applies. */
export function clusterFile(
  name: string,
  machines: readonly LabMember[],
  spec: Partial<ClusterSpecInput> = {},
): string {
  const documents = [
    document("Cluster", name, { ...labCluster(), ...spec }),
    ...machines.map((machine) =>
      document("Machine", machine.name, {
        mac: macOf(machine),
        address: addressOf(machine),
        cluster: name,
        roles: machine.roles,
        os: "debian-13",
        ...machine.spec,
      }),
    ),
  ];
  return documents.map((each) => stringify(each)).join("---\n");
}

function document(kind: string, name: string, spec: object): object {
  return { apiVersion: "muster/v1", kind, metadata: { name }, spec };
}

function labCluster(): Partial<ClusterSpecInput> {
  return {
    kubernetes: { version: LAB_VERSION },
    network: { cni: "routed" },
    kubelet: {
      config: {
        cgroupDriver: "cgroupfs",
        failCgroupV1: false,
        failSwapOn: false,
        localStorageCapacityIsolation: false,
      },
    },
    kubeProxy: { config: { mode: "nftables", conntrack: { maxPerCore: 0 } } },
    runtime: { crictl: false, containerd: { config: CONTAINERD } },
    kubeadm: {
      ignorePreflightErrors: [
        "SystemVerification",
        "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables",
        "NumCPU",
        "Mem",
      ],
    },
  };
}

const CONTAINERD = `version = 3

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = false
`;
