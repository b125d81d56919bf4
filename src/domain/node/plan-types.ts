/** The shapes of a plan and of what it is made from. */
import type { ClusterMember, ClusterView } from "../cluster/members.ts";
import type { ComponentFile } from "../components/component-files.ts";
import type { KubernetesRelease } from "../components/kubernetes-release.ts";
import type { TextFile } from "../install/shell.ts";

/** Where a machine reaches the appliance, and whom it believes. */
export interface NodeAppliance {
  readonly address: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** PEM of the CA that signed the appliance's own certificate. */
  readonly caCertificate: string;
}

export interface NodePlanInput {
  readonly member: ClusterMember;
  readonly cluster: ClusterView;
  readonly appliance: NodeAppliance;
  readonly release: KubernetesRelease;
  readonly pki: {
    /** Pins of the cluster CA, `sha256:…`; two while it is rotated. */
    readonly caHashes: readonly string[];
    /** PEM of the cluster CA. */
    readonly caCertificate: string;
  };
}

/** Steps of the node script, in their order, before a turn is asked for. */
export type NodeStep = "files" | "packages" | "binaries" | "system" | "runtime" | "images" | "balancer";

export interface NodePlan {
  readonly name: string;
  readonly cluster: string;
  readonly steps: readonly NodeStep[];
  /** What the node script reads before anything else. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Files of the system, put in place by the step `files`. */
  readonly files: readonly TextFile[];
  /** Files below /etc/muster/node that the steps read. */
  readonly planFiles: readonly TextFile[];
  readonly packages: readonly string[];
  readonly downloads: readonly ComponentFile[];
  readonly modules: readonly string[];
  readonly sysctls: readonly (readonly [name: string, value: string])[];
  readonly images: readonly string[];
}

/** Below this directory the steps find what they were given. */
export const PLAN_DIRECTORY = "/etc/muster/node";
