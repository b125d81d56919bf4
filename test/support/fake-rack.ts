/**
 * Machines that run a simplified node script and kubeadm, and the cluster that comes of it: what survives a power cut is
 * on their disks, what does not is gone. For tests of turns; no network, no time of its own.
 */
import {
  type ClusterMember,
  type ClusterView,
  isNode,
  memberNamed,
} from "../../src/domain/cluster/members.ts";
import { ClusterRefusedError, ClusterUnreachableError } from "../../src/services/cluster/cluster-errors.ts";
import type {
  ApiServerHealth,
  BootstrapToken,
  ClusterAccess,
  EtcdAccess,
  Eviction,
  KubernetesAccess,
  ListedToken,
} from "../../src/services/cluster/ports.ts";
import type { TurnReply } from "../../src/services/cluster/turn-reply.ts";
import { aNode } from "./fake-cluster.ts";

/** An etcd cluster that was formed by an initialisation, whoever may still be alive of it. */
export interface FormedCluster {
  readonly id: string;
  readonly voters: Set<string>;
  readonly learners: Set<string>;
  /** Nodes, and whether they are marked as control planes. */
  readonly nodes: Map<string, boolean>;
  readonly unschedulable: Set<string>;
  readonly tokens: Map<string, ListedToken>;
  complete: boolean;
}

export interface FakeDisk {
  kubeletConf: boolean;
  /** The etcd cluster whose data is on the disk. */
  etcd: FormedCluster | undefined;
  /** The appliance acknowledged that this machine joined. */
  joined: boolean;
}

export interface FakeMachine {
  readonly member: ClusterMember;
  generation: number;
  disk: FakeDisk;
  on: boolean;
  /** The kubelet runs, and with it etcd and the API server of a control plane. */
  kubelet: boolean;
  /** kubeadm is at work: what it does, and how far it got. */
  kubeadm: { readonly what: "init" | "join"; readonly token: string; progress: number } | undefined;
}

const EMPTY = (): FakeDisk => ({ kubeletConf: false, etcd: undefined, joined: false });

export class FakeRack implements ClusterAccess {
  readonly cluster: ClusterView;
  readonly machines = new Map<string, FakeMachine>();
  /** Every etcd cluster that was ever formed. */
  readonly formed: FormedCluster[] = [];
  /** Whether the appliance reaches the machines at all. */
  reachable = true;
  /** Pods that a disruption budget protects, by node. */
  readonly protectedPods = new Map<string, string>();
  readonly evictedFrom: string[] = [];
  /** How often etcd refuses to let a member go, as it does for seconds after another came back. */
  etcdUnsettled = 0;
  #tokens = 0;

  constructor(cluster: ClusterView) {
    this.cluster = cluster;
    for (const member of cluster.members) {
      this.machines.set(member.name, {
        member,
        generation: 1,
        disk: EMPTY(),
        on: true,
        kubelet: false,
        kubeadm: undefined,
      });
    }
  }

  machine(name: string): FakeMachine {
    const machine = this.machines.get(name);
    if (!machine) throw new Error(`no machine ${name}`);
    return machine;
  }

  /** Power goes: whatever ran is gone, the disk stays. */
  kill(name: string): void {
    const machine = this.machine(name);
    Object.assign(machine, { on: false, kubelet: false, kubeadm: undefined });
  }

  /** The kubelet starts by itself only on a machine that remembers having joined. */
  boot(name: string): void {
    const machine = this.machine(name);
    if (machine.on) return;
    Object.assign(machine, { on: true, kubelet: machine.disk.joined });
  }

  /** A new disk, as after an installation. */
  reinstall(name: string, generation: number): void {
    Object.assign(this.machine(name), {
      disk: EMPTY(),
      generation,
      on: true,
      kubelet: false,
      kubeadm: undefined,
    });
  }

  /** What the node script says of its disk. */
  statusOf(name: string): { readonly kubeletConf: boolean; readonly etcdData: boolean } {
    const { disk } = this.machine(name);
    return { kubeletConf: disk.kubeletConf, etcdData: disk.etcd !== undefined };
  }

  /** The script does as it was told. @returns whether it reset itself, which it then reports. */
  obey(name: string, reply: TurnReply): "reset" | "working" | "idle" {
    const machine = this.machine(name);
    const { disk } = machine;
    switch (reply.action) {
      case "reset":
        Object.assign(machine, { disk: EMPTY(), kubelet: false });
        return "reset";
      case "done":
        disk.joined = true;
        machine.kubelet = true;
        return "idle";
      case "resume":
        machine.kubelet = true;
        return "idle";
      case "init":
      case "join":
        if (reply.action === "join" && (disk.kubeletConf || disk.etcd)) machine.disk = EMPTY();
        machine.kubelet = false;
        machine.kubeadm = { what: reply.action, token: reply.token ?? "", progress: 0 };
        return "working";
      case "leave":
        Object.assign(machine, { disk: EMPTY(), kubelet: false });
        return "idle";
      case "wait":
      case "addons":
        return "idle";
    }
  }

  /** kubeadm does its next piece of work; `done` when it has nothing left, `failed` when it cannot go on. */
  work(name: string): "working" | "done" | "failed" {
    const machine = this.machine(name);
    const { kubeadm } = machine;
    if (!kubeadm) return "failed";
    kubeadm.progress += 1;
    const result = kubeadm.what === "init" ? this.#init(machine) : this.#join(machine);
    if (result !== "working") machine.kubeadm = undefined;
    return result;
  }

  #init(machine: FakeMachine): "working" | "done" | "failed" {
    const { name } = machine.member;
    switch (machine.kubeadm?.progress ?? 0) {
      case 1:
        machine.disk.kubeletConf = true;
        return "working";
      case 2: {
        if (!machine.disk.etcd) {
          const formed: FormedCluster = {
            id: `etcd-of-${name}`,
            voters: new Set([name]),
            learners: new Set(),
            nodes: new Map(),
            unschedulable: new Set(),
            tokens: new Map(),
            complete: false,
          };
          this.formed.push(formed);
          machine.disk.etcd = formed;
        }
        machine.kubelet = true;
        return "working";
      }
      case 3:
        machine.disk.etcd?.nodes.set(name, true);
        return "working";
      default: {
        const { etcd } = machine.disk;
        if (!etcd) return "failed";
        const id = machine.kubeadm?.token.split(".")[0] ?? "";
        etcd.tokens.set(id, { id, description: "muster" });
        etcd.complete = true;
        return "done";
      }
    }
  }

  #join(machine: FakeMachine): "working" | "done" | "failed" {
    const { name, roles } = machine.member;
    const alive = this.alive();
    const id = machine.kubeadm?.token.split(".")[0] ?? "";
    if (!alive) return "failed";
    const controlPlane = roles.includes("control-plane");
    switch (machine.kubeadm?.progress ?? 0) {
      case 1:
        if (!alive.tokens.has(id)) return "failed";
        machine.disk.kubeletConf = true;
        machine.kubelet = true;
        alive.nodes.set(name, false);
        return controlPlane ? "working" : "done";
      case 2:
        if (alive.learners.size > 0 || alive.voters.has(name)) return "failed";
        alive.learners.add(name);
        machine.disk.etcd = alive;
        return "working";
      case 3:
        // Whoever was taken out of etcd meanwhile is no learner that could be promoted.
        if (!alive.learners.delete(name)) return "failed";
        alive.voters.add(name);
        return "working";
      default:
        // kubeadm marks the Node that its kubelet made; one that was deleted does not come back by that.
        if (!alive.nodes.has(name)) return "failed";
        alive.nodes.set(name, true);
        return "done";
    }
  }

  /** The cluster whose etcd has its quorum among the machines that run. */
  alive(): FormedCluster | undefined {
    return this.formed.find((formed) => this.#hasQuorum(formed));
  }

  #hasQuorum(formed: FormedCluster): boolean {
    const running = [...formed.voters].filter((name) => this.#runs(name, formed));
    return running.length > formed.voters.size / 2;
  }

  #runs(name: string, formed: FormedCluster): boolean {
    const machine = this.machine(name);
    return machine.on && machine.kubelet && machine.disk.etcd === formed;
  }

  // The ports of the appliance.

  kubernetes(): Promise<KubernetesAccess> {
    const api = (): FormedCluster => {
      const alive = this.reachable ? this.alive() : undefined;
      if (!alive) throw new ClusterUnreachableError("no API server of cluster lab answers");
      return alive;
    };
    const here = <T>(work: (alive: FormedCluster) => T): Promise<T> =>
      Promise.resolve().then(() => work(api()));
    const unused = (): Promise<never> => Promise.reject(new TypeError("not part of this fake"));
    const nodes = (alive: FormedCluster) =>
      [...alive.nodes].map(([name, controlPlane]) => {
        const machine = this.machine(name);
        const unschedulable = alive.unschedulable.has(name);
        return aNode(name, { controlPlane, ready: machine.on && machine.kubelet, unschedulable });
      });
    return Promise.resolve({
      nodes: () => here(nodes),
      node: (name) => here((alive) => nodes(alive).find((each) => each.name === name)),
      deleteNode: (name) => here((alive) => (alive.nodes.delete(name) ? "deleted" : "absent")),
      setSchedulable: (name, schedulable) =>
        here((alive) => {
          if (schedulable) alive.unschedulable.delete(name);
          else alive.unschedulable.add(name);
          return alive.nodes.has(name) ? "done" : "absent";
        }),
      removeLabels: (name) => here((alive) => (alive.nodes.has(name) ? "done" : "absent")),
      evictPods: (name) => here(() => this.#evict(name)),
      createBootstrapToken: ({ description, lifetimeMs }) =>
        here((alive): BootstrapToken => {
          const id = `t${String(++this.#tokens).padStart(5, "0")}`;
          alive.tokens.set(id, { id, description });
          return { id, token: `${id}.0123456789abcdef`, expiresAt: lifetimeMs };
        }),
      deleteBootstrapToken: (id) => here((alive) => (alive.tokens.delete(id) ? "deleted" : "absent")),
      listBootstrapTokens: () => here((alive) => [...alive.tokens.values()]),
      deployment: () => here((alive) => (alive.complete ? { wanted: 2, ready: 2 } : undefined)),
      get: () => here((alive) => (alive.complete ? {} : undefined)),
      readyz: ({ address }) => Promise.resolve(this.#readyz(address)),
      apply: unused,
      signingRequests: unused,
      approve: unused,
    });
  }

  #evict(node: string): Eviction {
    this.evictedFrom.push(node);
    const pod = this.protectedPods.get(node);
    return {
      evicted: [],
      left: [],
      blocked: pod === undefined ? [] : [{ pod, reason: "a disruption budget" }],
    };
  }

  #readyz(address: string): ApiServerHealth {
    const silent = { kind: "unreachable", reason: "no answer" } as const;
    if (!this.reachable) return silent;
    const machine = [...this.machines.values()].find(({ member }) => member.address === address);
    if (!machine) return this.alive() ? { kind: "ready" } : silent;
    const { etcd } = machine.disk;
    if (!etcd || !this.#runs(machine.member.name, etcd)) return silent;
    return this.#hasQuorum(etcd) ? { kind: "ready" } : { kind: "not-ready", failing: ["etcd"] };
  }

  etcd(): Promise<EtcdAccess> {
    const machineAt = (address: string): FakeMachine | undefined =>
      [...this.machines.values()].find(({ member }) => member.address === address);
    const at = (address: string): FormedCluster | undefined => {
      const machine = this.reachable ? machineAt(address) : undefined;
      const formed = machine?.disk.etcd;
      return machine && formed && this.#runs(machine.member.name, formed) ? formed : undefined;
    };
    const alive = (): FormedCluster => {
      const formed = this.reachable ? this.alive() : undefined;
      if (!formed) throw new ClusterUnreachableError("no etcd member of cluster lab answers");
      return formed;
    };
    const here = <T>(work: (formed: FormedCluster) => T): Promise<T> =>
      Promise.resolve().then(() => work(alive()));
    const unused = (): Promise<never> => Promise.reject(new TypeError("not part of this fake"));
    return Promise.resolve({
      memberList: () =>
        here((formed) => ({
          clusterId: formed.id,
          members: [...formed.voters, ...formed.learners].map((name) => {
            const { address } = memberNamed(this.cluster, name) ?? { address: "0.0.0.0" };
            const urls = [`https://${address}:2380`];
            return {
              id: `id-${name}`,
              name,
              learner: formed.learners.has(name),
              peerUrls: urls,
              clientUrls: urls,
            };
          }),
        })),
      memberRemove: (id) =>
        here((formed) => {
          if (this.etcdUnsettled-- > 0)
            throw new ClusterRefusedError("etcdserver: unhealthy cluster", { status: 503 });
          return this.#removeMember(formed, id.replace(/^id-/, ""));
        }),
      memberAdd: unused,
      moveLeader: () => Promise.resolve(),
      status: (address) => {
        const formed = at(address);
        if (!formed) return Promise.resolve({ kind: "unreachable", endpoint: address, reason: "no answer" });
        const name = machineAt(address)?.member.name ?? "";
        return Promise.resolve({
          kind: "answers",
          endpoint: address,
          clusterId: formed.id,
          memberId: `id-${name}`,
          leaderId: `id-${[...formed.voters][0] ?? ""}`,
          learner: formed.learners.has(name),
          version: "3.6.8",
          dbBytes: 1,
          raftIndex: 1,
          errors: [],
        });
      },
      healthy: (address) => {
        const formed = at(address);
        return Promise.resolve(formed !== undefined && this.#hasQuorum(formed));
      },
      snapshot: unused,
    });
  }

  // As etcd itself does, a removal that would lose the quorum is refused.
  #removeMember(formed: FormedCluster, name: string): "removed" | "absent" {
    if (formed.learners.delete(name)) return "removed";
    if (!formed.voters.has(name)) return "absent";
    const rest = [...formed.voters].filter((each) => each !== name);
    const running = rest.filter((each) => this.#runs(each, formed));
    if (running.length <= rest.length / 2) {
      throw new ClusterRefusedError("etcdserver: re-configuration failed due to not enough started members", {
        status: 412,
      });
    }
    formed.voters.delete(name);
    return "removed";
  }

  /** Machines that are no members yet, in the order of their names. */
  get outside(): readonly string[] {
    return [...this.machines.values()]
      .filter(({ disk, member }) => !disk.joined && isNode(member))
      .map(({ member }) => member.name);
  }
}
