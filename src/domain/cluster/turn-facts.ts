/** What a turn is decided from: what the asking machine says, what is on record, what the cluster itself answered. */
import type { Role } from "../machine-spec.ts";
import type { ClusterRecord, Holder, TurnRole } from "./cluster-record.ts";

/** What a machine finds on its own disk. */
export interface TurnStatus {
  /** A kubelet has its credentials: kubeadm got at least that far. */
  readonly kubeletConf: boolean;
  /** etcd's data directory is not empty. */
  readonly etcdData: boolean;
  /** The machine remembers that the appliance acknowledged its joining. */
  readonly joined?: boolean | undefined;
  readonly bootId?: string | undefined;
}

/** An etcd member as the cluster lists it. */
export interface SeenEtcdMember {
  readonly id: string;
  readonly name: string;
  readonly learner: boolean;
  readonly peerUrls: readonly string[];
}

/** What the endpoint, the API servers and etcd answered when they were asked just now. */
export interface ClusterSight {
  readonly api:
    | { readonly kind: "alive"; readonly at: readonly string[] }
    /** Something answers there that this cluster's CA has not signed. */
    | { readonly kind: "foreign"; readonly at: string; readonly issuer: string }
    | { readonly kind: "silent"; readonly reason: string };
  readonly etcd:
    | {
        readonly kind: "answers";
        readonly clusterId: string;
        readonly members: readonly SeenEtcdMember[];
        /** Names of the voting members that can commit. */
        readonly healthy: readonly string[];
        /** Name of the leader, where there is one. */
        readonly leader?: string;
      }
    | { readonly kind: "silent"; readonly reason: string };
  /** Undefined when no API server could be read. */
  readonly nodes?: readonly { readonly name: string; readonly controlPlane: boolean }[];
  /** Whether everything is there that an initialisation makes last. */
  readonly complete: boolean;
  /** Hosts of an external etcd that do not work yet. */
  readonly etcdHostsMissing: readonly string[];
}

/** Whether the endpoint's address may be used. */
export type EndpointSight =
  | { readonly kind: "free" }
  /** One sentence that names who holds it. */
  | { readonly kind: "taken"; readonly by: string };

export interface TurnFacts {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly asker: Holder & { readonly roles: readonly Role[] };
  readonly status: TurnStatus;
  readonly record: ClusterRecord;
  /** Why the asker may do nothing now; undefined when it may. */
  readonly held?: string | undefined;
  /** The holder of the init turn has been installed anew since: what it began is gone. */
  readonly holderReinstalled: boolean;
  /** The asker is a member of an etcd that runs beside the control planes. */
  readonly etcdHost: boolean;
  readonly endpoint: EndpointSight;
  /** Dedicated load balancers, none of which works yet. */
  readonly balancersMissing: readonly string[];
  /** Undefined until the cluster was asked. */
  readonly sight?: ClusterSight | undefined;
  readonly workersAtOnce: number;
}

/** What the machine is told to do. */
export type TurnAnswer =
  | { readonly action: "wait"; readonly reason: string; readonly retrySeconds: number }
  | { readonly action: "init"; readonly role: "control-plane" | "etcd"; readonly reason: string }
  | { readonly action: "join"; readonly role: TurnRole; readonly reason: string }
  /** Start what is half joined here, for this boot only, and ask again: etcd may need it for its quorum. */
  | { readonly action: "resume"; readonly reason: string; readonly retrySeconds: number }
  /** Undo what is half done here and ask again. */
  | { readonly action: "reset"; readonly reason: string }
  /** Undo what is half done here and take no part in the cluster any more, until it is reimaged. */
  | { readonly action: "leave"; readonly reason: string }
  | { readonly action: "done"; readonly reason: string };

/** What has to happen on the appliance before the question can be answered; it is asked again afterwards. */
export type TurnStep =
  /** Ask the endpoint, the API servers and etcd. */
  | { readonly action: "look" }
  /** The cluster lives although that was not on record. */
  | { readonly action: "adopt"; readonly member: boolean; readonly reason: string }
  /** The asker is a full member although that was not on record. */
  | { readonly action: "admit"; readonly reason: string }
  /** The init turn is free again. */
  | { readonly action: "release"; readonly reason: string }
  /** Another machine's join turn has run out: remove what it half joined, then end its turn. */
  | { readonly action: "expire"; readonly machine: string; readonly reason: string }
  /** Nobody gets a turn until a person has looked. */
  | { readonly action: "freeze"; readonly reason: string };

export type TurnDecision = TurnAnswer | TurnStep;

const ANSWERS: Readonly<Record<TurnAnswer["action"], true>> = {
  wait: true,
  init: true,
  join: true,
  resume: true,
  reset: true,
  leave: true,
  done: true,
};

/** Whether the machine can be told this; otherwise the appliance has something to do first. */
export function isAnswer(decision: TurnDecision): decision is TurnAnswer {
  return Object.hasOwn(ANSWERS, decision.action);
}

/** Whether something of a cluster is on the machine's disk. */
export function isClean({ kubeletConf, etcdData }: TurnStatus): boolean {
  return !kubeletConf && !etcdData;
}
