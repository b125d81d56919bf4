/** What the API answers with, as its client takes it. */
import type { ClusterStatus } from "../../domain/cluster/cluster-status.ts";
import type { StoredResource } from "../../domain/cluster/resource.ts";
import type { Machine, Sighting } from "../../domain/machine.ts";
import type { AddonStatus } from "../../services/cluster/addons.ts";
import type { Kubeconfig } from "../../services/cluster/kubeconfig.ts";
import type { PkiDescription } from "../../services/cluster/pki-rotation.ts";
import type { TurnView } from "../../services/cluster/turn-view.ts";
import type { AssetRecord, LeaseRecord, LogLine, StoredEvent, TokenRecord } from "../../services/ports.ts";
import type { ApplyPlan } from "../../services/resources/apply-plan.ts";

/** The registry's machine and what the API derives from it. */
export type MachineView = Machine & {
  readonly mac: string;
  /** Reserved, or else last seen. */
  readonly address?: string;
  /** How far the installation is, 0 to 100. */
  readonly progress?: number;
};

export type EventView = StoredEvent;
/** A lease, and the machine that holds it. */
export type LeaseView = LeaseRecord & { readonly machine?: string };
export type LogLineView = LogLine;
export type TokenView = Omit<TokenRecord, "hash">;
export type AssetView = AssetRecord;

/** What hashing one asset again found. */
export interface AssetCheckView {
  readonly record: AssetView;
  readonly result: "intact" | "missing" | "changed";
}

/** How far a pull is. */
export interface PullView {
  readonly os: string;
  readonly architecture: string;
  readonly status:
    | { readonly kind: "ready" }
    | { readonly kind: "pulling"; readonly progress: number; readonly what: string }
    | { readonly kind: "missing"; readonly reason: string };
}

/** What applying documents did or would do. */
export type ApplyPlanView = ApplyPlan & { readonly applied: boolean };

/** A profile as it was applied. */
export type ProfileView = StoredResource;

/** A cluster as it was applied, its spec with every default, and its members. */
export type ClusterView = StoredResource & {
  readonly effective: {
    readonly kubernetes?: { readonly version: string };
    readonly endpoint?: { readonly address: string; readonly port: number };
    readonly network?: { readonly cni: string };
  };
  readonly members: readonly {
    readonly name: string;
    readonly roles: readonly string[];
    readonly address: string;
    readonly state?: string;
  }[];
};

export type ClusterStatusView = ClusterStatus;
export type AddonStatusView = AddonStatus;
export type ClusterPkiView = PkiDescription;
export type ClusterTurnsView = TurnView;
export type KubeconfigView = Kubeconfig;

/** A MAC that asked but belongs to no machine. */
export type UnknownView = Omit<Sighting, "at"> & {
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly count: number;
};

/** Why a machine is where it is. */
export interface DiagnosisView {
  readonly summary: string;
  readonly findings: readonly {
    readonly level: "ok" | "info" | "warning" | "problem";
    readonly message: string;
    readonly advice?: string;
  }[];
  readonly nextBoot?: { readonly kind: string; readonly reason: string };
  readonly packets: readonly { readonly at: string; readonly source: string; readonly what: string }[];
}

/** How the appliance itself is. */
export interface StatusView {
  readonly version: string;
  readonly startedAt: number;
  readonly ready: boolean;
  readonly address?: string;
  readonly dhcpMode: "off" | "proxy" | "server";
  readonly machines: Readonly<Record<string, number>>;
  readonly listeners: readonly {
    readonly name: string;
    readonly state: "off" | "listening" | "degraded";
    readonly endpoints?: readonly string[];
    readonly problem?: string;
  }[];
  readonly checks: readonly {
    readonly name: string;
    readonly state: "ok" | "degraded" | "failed";
    readonly reason?: string;
  }[];
  readonly rivals: readonly { readonly address: string; readonly seenAt: number }[];
}
