/** A cluster behind the ports the use cases know, without a network: everything is as a test says. */

import { Readable } from "node:stream";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import { ClusterUnreachableError } from "../../src/services/cluster/cluster-errors.ts";
import type {
  ApiServerHealth,
  ClusterAccess,
  DeploymentState,
  EtcdAccess,
  KubernetesAccess,
  KubernetesNode,
  Manifest,
  SigningRequest,
} from "../../src/services/cluster/ports.ts";

/** A Node that is Ready, unless told otherwise. */
export function aNode(name: string, fields: Partial<KubernetesNode> = {}): KubernetesNode {
  return {
    name,
    uid: `uid-${name}`,
    ready: true,
    reason: "kubelet is posting ready status",
    unschedulable: false,
    controlPlane: false,
    addresses: [],
    podCIDRs: [],
    kubeletVersion: "v1.36.3",
    labels: {},
    ...fields,
  };
}

interface FakeMember {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  healthy: boolean;
  reachable: boolean;
  learner: boolean;
  errors: string[];
}

export class FakeCluster implements ClusterAccess {
  /** Whether any API server answers. */
  alive = true;
  /** What each `address:port` answers; what is not here is ready. */
  readonly api = new Map<string, ApiServerHealth>();
  nodes: KubernetesNode[] = [];
  readonly deployments = new Map<string, DeploymentState>([["kube-system/coredns", { wanted: 2, ready: 2 }]]);
  /** Any object by its path. */
  readonly objects = new Map<string, unknown>();
  etcdClusterId = "cdf818194e3a8c32";
  members: FakeMember[] = [];
  requests: SigningRequest[] = [];
  readonly approved: string[] = [];
  readonly applied: Manifest[] = [];
  /** How often nodes were asked for. */
  looks = 0;

  /** Everything a view declares, Ready and healthy, with three schedulers and controller managers. */
  static complete(cluster: ClusterView): FakeCluster {
    const fake = new FakeCluster();
    const controlPlanes = cluster.members.filter(({ roles }) => roles.includes("control-plane"));
    fake.nodes = cluster.members.map(({ name, address, roles }, index) =>
      aNode(name, {
        addresses: [address],
        podCIDRs: [`10.244.${index}.0/24`],
        controlPlane: roles.includes("control-plane"),
      }),
    );
    fake.members = controlPlanes.map(({ name, address }, index) => ({
      id: `a${index}`,
      name,
      address,
      healthy: true,
      reachable: true,
      learner: false,
      errors: [],
    }));
    const pod = (component: string): object => ({
      metadata: { labels: { component } },
      status: { conditions: [{ type: "Ready", status: "True" }] },
    });
    fake.objects.set("/api/v1/namespaces/kube-system/pods?labelSelector=tier%3Dcontrol-plane", {
      items: controlPlanes.flatMap(() => [pod("kube-scheduler"), pod("kube-controller-manager")]),
    });
    return fake;
  }

  node(name: string, change: Partial<KubernetesNode>): void {
    this.nodes = this.nodes.map((each) => (each.name === name ? { ...each, ...change } : each));
  }

  kubernetes(): Promise<KubernetesAccess> {
    const here = <T>(value: () => T): Promise<T> =>
      this.alive
        ? Promise.resolve(value())
        : Promise.reject(new ClusterUnreachableError("no API server of cluster lab answers"));
    const unused = (): Promise<never> => Promise.reject(new TypeError("not part of this fake"));
    return Promise.resolve({
      nodes: () => {
        this.looks += 1;
        return here(() => this.nodes);
      },
      node: (name) => here(() => this.nodes.find((each) => each.name === name)),
      deployment: (namespace, name) => here(() => this.deployments.get(`${namespace}/${name}`)),
      get: (path) => here(() => this.objects.get(path)),
      readyz: ({ address, port }) =>
        Promise.resolve(
          this.api.get(`${address}:${port}`) ??
            (this.alive ? { kind: "ready" } : { kind: "unreachable", reason: "refuses the connection" }),
        ),
      signingRequests: () => here(() => this.requests),
      approve: (request) =>
        here(() => {
          this.approved.push(request.name);
          this.requests = this.requests.filter(({ name }) => name !== request.name);
        }),
      deleteNode: unused,
      setSchedulable: unused,
      removeLabels: (name, labels) =>
        here(() => {
          this.nodes = this.nodes.map((node) =>
            node.name === name
              ? {
                  ...node,
                  labels: Object.fromEntries(
                    Object.entries(node.labels).filter(([key]) => !labels.includes(key)),
                  ),
                }
              : node,
          );
          return "done" as const;
        }),
      evictPods: unused,
      createBootstrapToken: unused,
      deleteBootstrapToken: unused,
      listBootstrapTokens: unused,
      apply: (manifests) =>
        here(() => {
          this.applied.push(...manifests);
          return manifests.map(({ kind, metadata }) => ({
            object: `${kind} ${metadata.name}`,
            outcome: "applied",
          }));
        }),
    });
  }

  etcd(): Promise<EtcdAccess> {
    const unused = (): Promise<never> => Promise.reject(new TypeError("not part of this fake"));
    const at = (address: string): FakeMember | undefined =>
      this.members.find((each) => each.address === address && each.reachable);
    return Promise.resolve({
      memberList: () =>
        this.members.some(({ reachable }) => reachable)
          ? Promise.resolve({
              clusterId: this.etcdClusterId,
              members: this.members.map(({ id, name, address, learner }) => ({
                id,
                name,
                learner,
                peerUrls: [`https://${address}:2380`],
                clientUrls: [`https://${address}:2379`],
              })),
            })
          : Promise.reject(new ClusterUnreachableError("no etcd member of cluster lab answers")),
      status: (address) => {
        const member = at(address);
        if (!member)
          return Promise.resolve({
            kind: "unreachable",
            endpoint: address,
            reason: "refuses the connection",
          });
        return Promise.resolve({
          kind: "answers",
          endpoint: address,
          clusterId: this.etcdClusterId,
          memberId: member.id,
          leaderId: this.members[0]?.id ?? "",
          learner: member.learner,
          version: "3.6.8",
          dbBytes: 4096,
          raftIndex: 10,
          errors: member.errors,
        });
      },
      healthy: (address) => Promise.resolve(at(address)?.healthy ?? false),
      memberAdd: unused,
      memberRemove: unused,
      moveLeader: unused,
      snapshot: () =>
        this.members.some(({ reachable }) => reachable)
          ? Promise.resolve(Readable.from([Buffer.from("a database")]))
          : Promise.reject(new ClusterUnreachableError("no etcd member of cluster lab gives a snapshot")),
    });
  }
}
