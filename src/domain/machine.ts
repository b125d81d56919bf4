/** One machine as the registry knows it: what was asked for, where it stands, what was seen of it. */
import type { Mac } from "../net/mac.ts";
import type { MachineSpec } from "./machine-spec.ts";

/** Where a machine stands; docs/lifecycle.md draws the table that moves it. */
export const LIFECYCLE_STATES = [
  "discovered",
  "registered",
  "installing",
  "installed",
  "preparing",
  "waiting",
  "joining",
  "ready",
  "draining",
  "removing",
  "failed",
  "retired",
] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/** Steps inside `installing`, in the order a Debian installation reports them. */
export const INSTALL_STAGES = [
  "installer-started",
  "partitioning",
  "base-system",
  "packages",
  "bootloader",
  "finished",
] as const;
export type InstallStage = (typeof INSTALL_STAGES)[number];

/** Why a machine is in `failed`, and what it was doing. */
export interface Failure {
  readonly reason: string;
  /** `silence`: a watchdog saw no report; `reported`: the machine said so; `attempts`: it booted the installer too often. */
  readonly cause: "silence" | "reported" | "attempts";
  readonly stage?: string;
  /** The state it came from, and goes back to when it reports again. */
  readonly from: LifecycleState;
  readonly at: number;
}

/** Identity of a system disk, recorded by the installer so that the next one knows it again. */
export interface DiskIdentity {
  readonly path: string;
  readonly serial?: string;
  readonly wwn?: string;
  readonly model?: string;
  readonly sizeBytes: number;
}

/** Evidence from the network, never identity. All times are epoch milliseconds. */
export interface Sighting {
  readonly at: number;
  readonly mac: Mac;
  readonly address?: string;
  readonly architecture?: number;
  readonly uuid?: string;
  readonly vendorClass?: string;
  readonly userAgent?: string;
}

export type BootOverride = "local" | "rescue" | "install";

/** A machine. Immutable: every change makes a new value with the next `revision`. */
export interface Machine {
  readonly name: string;
  readonly spec: MachineSpec;
  readonly state: LifecycleState;
  /** Counts this machine's installations; 0 before the first begins. Raised when a reimage re-registers it. */
  readonly generation: number;
  readonly stage?: string;
  readonly failure?: Failure;
  /** Why the machine is held back: nothing boots an installer while this is set. */
  readonly held?: string;
  readonly bootOverride?: BootOverride;
  /** An installation of this machine has finished at least once. */
  readonly everInstalled: boolean;
  /** Installer boots of this generation so far. */
  readonly installAttempts: number;
  /** The installer of this generation has reported its end: from now on the disk boots. */
  readonly installFinished: boolean;
  /** System disks of the last finished installation. */
  readonly systemDisks: readonly DiskIdentity[];
  /** Random marker written to the system disk of the last finished installation. */
  readonly diskMarker?: string;
  readonly seen?: Sighting;
  /** When silence turns into `failed`; epoch milliseconds. */
  readonly deadline?: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly revision: number;
}

/** Every MAC by which a machine may ask: boot MACs first, then those of its interfaces. */
export function macsOf(spec: MachineSpec): readonly Mac[] {
  return [...new Set([spec.mac, ...spec.extraMacs, ...spec.interfaces.map((nic) => nic.mac)])];
}
