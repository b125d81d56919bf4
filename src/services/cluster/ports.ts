/**
 * What the use cases ask of a cluster's API servers and of its etcd. Every call has its own time limit. Calls throw
 * ClusterUnreachableError when nobody answered and ClusterRefusedError when the answer was no; what is expected to happen
 * (an object that is not there, a probe that finds nothing) is a return value.
 */
import type { ApiHealth } from "../../domain/cluster/cluster-status.ts";
import type { ClusterView } from "../../domain/cluster/members.ts";

/** A Node object, as far as the appliance looks at it. */
export interface KubernetesNode {
  readonly name: string;
  /** Changes when the node is deleted and joins again. */
  readonly uid: string;
  readonly ready: boolean;
  /** The Ready condition's own words; empty when it has none. */
  readonly reason: string;
  /** Epoch milliseconds of the last change between ready and not ready. */
  readonly since?: number;
  readonly unschedulable: boolean;
  readonly controlPlane: boolean;
  /** Its internal addresses, the first one being where peers reach it. */
  readonly addresses: readonly string[];
  readonly podCIDRs: readonly string[];
  readonly kubeletVersion: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What one API server says about itself; asked without credentials, so also where no cluster should be yet. */
export type ApiServerHealth = ApiHealth;

/** A place where an API server or a load balancer in front of one listens. */
export interface ApiAddress {
  readonly address: string;
  readonly port: number;
}

/** A token that lets machines join. */
export interface BootstrapToken {
  /** The six public characters: the name under which it is deleted. */
  readonly id: string;
  /** `id.secret`, as kubeadm takes it. */
  readonly token: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface ListedToken {
  readonly id: string;
  readonly description: string;
  /** Undefined for one that never expires. */
  readonly expiresAt?: number;
}

/** How many of a Deployment's replicas are there. */
export interface DeploymentState {
  readonly wanted: number;
  readonly ready: number;
}

/** What became of the pods of a node that is to be emptied. */
export interface Eviction {
  readonly evicted: readonly string[];
  /** Pods that stay: of a DaemonSet, static, or finished. */
  readonly left: readonly string[];
  /** Pods that a disruption budget protects now: ask again. */
  readonly blocked: readonly { readonly pod: string; readonly reason: string }[];
}

/** A Kubernetes object as people write it in a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** What became of one object of a manifest. */
export interface Applied {
  /** `Kind namespace/name`. */
  readonly object: string;
  readonly outcome: "applied" | "refused";
  /** Why it was refused. */
  readonly reason?: string;
}

/** A certificate that a kubelet asks for (certificates.k8s.io/v1). */
export interface SigningRequest {
  readonly name: string;
  readonly signer: string;
  /** Who asks, like `system:node:kube0`. */
  readonly username: string;
  readonly groups: readonly string[];
  readonly usages: readonly string[];
  /** PKCS#10 as PEM. */
  readonly request: string;
  readonly state: "pending" | "approved" | "denied" | "failed";
}

/** One cluster's Kubernetes API: the endpoint is asked first, then every control plane. */
export interface KubernetesAccess {
  nodes(): Promise<readonly KubernetesNode[]>;
  node(name: string): Promise<KubernetesNode | undefined>;
  /** Deletes a Node object; `absent` when there was none. */
  deleteNode(name: string): Promise<"deleted" | "absent">;
  /** Closes a node to new pods, or opens it again. */
  setSchedulable(name: string, schedulable: boolean): Promise<"done" | "absent">;
  /** Takes labels off a node, whoever put them there. */
  removeLabels(name: string, labels: readonly string[]): Promise<"done" | "absent">;
  /** Asks once for the eviction of every pod of a node that may go; call again until none is blocked. */
  evictPods(node: string): Promise<Eviction>;
  /** Makes a token for one join, valid for so many milliseconds. */
  createBootstrapToken(options: {
    readonly lifetimeMs: number;
    readonly description: string;
  }): Promise<BootstrapToken>;
  deleteBootstrapToken(id: string): Promise<"deleted" | "absent">;
  listBootstrapTokens(): Promise<readonly ListedToken[]>;
  deployment(namespace: string, name: string): Promise<DeploymentState | undefined>;
  /**
   * Applies manifests by server-side apply, in the order given, CustomResourceDefinitions and Namespaces first. Goes on
   * after a refusal; throws only when nobody answers.
   */
  apply(manifests: readonly Manifest[]): Promise<readonly Applied[]>;
  signingRequests(): Promise<readonly SigningRequest[]>;
  approve(request: SigningRequest, message: string): Promise<void>;
  /** Any object or list by its path, like `/api/v1/namespaces/kube-system/pods`; undefined when there is none. */
  get(path: string): Promise<unknown>;
  /** Asks one API server, or a load balancer, for its `/readyz`; never throws. */
  readyz(at: ApiAddress): Promise<ApiServerHealth>;
}

/** A member of an etcd cluster. */
export interface EtcdMember {
  /** Hexadecimal, as etcdctl prints it. */
  readonly id: string;
  /** Empty until the member has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly learner: boolean;
}

/** What one member says about itself. */
export type EtcdMemberStatus =
  | {
      readonly kind: "answers";
      readonly endpoint: string;
      /** Hexadecimal; one cluster has one of these in its life. */
      readonly clusterId: string;
      readonly memberId: string;
      /** Undefined while there is no leader. */
      readonly leaderId?: string;
      readonly learner: boolean;
      readonly version: string;
      readonly dbBytes: number;
      readonly raftIndex: number;
      /** Alarms and errors it reports. */
      readonly errors: readonly string[];
    }
  | { readonly kind: "unreachable"; readonly endpoint: string; readonly reason: string };

/** One cluster's etcd, through whichever member answers. */
export interface EtcdAccess {
  /** The members, and the id of the cluster they form. */
  memberList(): Promise<{ readonly clusterId: string; readonly members: readonly EtcdMember[] }>;
  /** Announces a member that starts next; `present` when one with this peer URL is a member already. */
  memberAdd(peerUrl: string): Promise<"added" | "present">;
  /** Removes a member by its hexadecimal id; `absent` when there is none. */
  memberRemove(id: string): Promise<"removed" | "absent">;
  /** Hands leadership to another member. */
  moveLeader(toId: string): Promise<void>;
  /** What the member at one address says; never throws. */
  status(address: string): Promise<EtcdMemberStatus>;
  /** Whether the member at one address can commit a read; never throws. */
  healthy(address: string): Promise<boolean>;
  /** A consistent copy of the whole database, as etcdctl's `snapshot save` writes it. */
  snapshot(): Promise<AsyncIterable<Uint8Array>>;
}

/** Opens the API and the etcd of a cluster; cheap, connects at the first call. */
export interface ClusterAccess {
  kubernetes(cluster: ClusterView): Promise<KubernetesAccess>;
  etcd(cluster: ClusterView): Promise<EtcdAccess>;
}
