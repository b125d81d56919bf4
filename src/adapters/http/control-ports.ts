/** What the control plane asks of the rest of the program. main.ts hands it over; tests hand over fakes. */
import type { Readable } from "node:stream";
import type { ClusterView } from "../../domain/cluster/members.ts";
import type { Machine } from "../../domain/machine.ts";
import type { Assets } from "../../services/assets/assets.ts";
import type { ClusterAddons } from "../../services/cluster/addons.ts";
import type { ClusterOperations } from "../../services/cluster/cluster-operations.ts";
import type { TurnView } from "../../services/cluster/turn-view.ts";
import type { Clock, EventSink, LeaseRecord, Log, LogLine, StoredEvent } from "../../services/ports.ts";
import type { Registry, Source } from "../../services/registry.ts";
import type { Resources } from "../../services/resources/resources.ts";
import type { EventQuery, LogQuery } from "../../services/store.ts";
import type { Tokens } from "../../services/tokens.ts";
import type { ApplianceStatus } from "./appliance-status.ts";

/** The timeline: what was and what comes. */
export interface Timeline extends EventSink {
  list(query: EventQuery): Promise<readonly StoredEvent[]>;
  subscribe(listener: (event: StoredEvent) => void): () => void;
}

/** The installer logs of all machines. */
export interface InstallerLogs {
  list(query: LogQuery): Promise<readonly LogLine[]>;
  subscribe(listener: (line: LogLine) => void): () => void;
}

export interface ReimageRequest {
  /** Go on although the machine was never reported installed, or is at work. */
  readonly force?: boolean;
}

/** The one way back from an installed machine to the installer, with its guards. */
export interface Reimage {
  /** @throws NotFoundError, TransitionError, or MusterError `refused` with the guard's reason. */
  reimage(name: string, request: ReimageRequest, source: Source): Promise<Machine>;
}

/** One thing the diagnosis found, worst first. */
export interface DiagnosisFinding {
  readonly level: "ok" | "info" | "warning" | "problem";
  /** What was seen, in one sentence. */
  readonly message: string;
  /** What a person can do about it. */
  readonly advice?: string;
}

/** Why a machine is where it is: findings, and the packets behind them. */
export interface Diagnosis {
  readonly summary: string;
  readonly findings: readonly DiagnosisFinding[];
  /** What its next network boot would get, and why. */
  readonly nextBoot?: { readonly kind: string; readonly reason: string };
  /** The last DHCP decisions about its MACs, newest last. */
  readonly packets: readonly object[];
}

export interface RenderedDocument {
  readonly contentType: string;
  readonly text: string;
}

/** What a machine would be served, without a ticket and with its secrets left out. */
export interface DocumentPreview {
  /** Names that `render` knows. */
  readonly names: readonly string[];
  /** Undefined when no document has that name. @throws RenderError */
  render(machine: Machine, document: string): Promise<RenderedDocument | undefined>;
}

/** Who may initialise and join a cluster, and what a person decides about it. */
export interface ClusterTurns {
  view(cluster: ClusterView): TurnView;
  /** @throws NotFoundError, or MusterError `refused` */
  giveInit(
    cluster: string,
    request: { readonly to: string; readonly confirmGone: string },
    source: Source,
  ): Promise<void>;
  /** @throws NotFoundError, or MusterError `refused` */
  unfreeze(
    cluster: string,
    request: { readonly etcdClusterId?: string | undefined },
    source: Source,
  ): Promise<void>;
}

/** Everything behind the control plane. */
export interface ControlServices {
  readonly clock: Clock;
  readonly log: Log;
  readonly machines: Registry;
  readonly resources: Resources;
  readonly reimage: Reimage;
  readonly timeline: Timeline;
  readonly installerLogs: InstallerLogs;
  readonly leases: { all(): Promise<readonly LeaseRecord[]> };
  readonly assets: Assets;
  readonly documents: DocumentPreview;
  readonly diagnose: (machine: Machine) => Promise<Diagnosis>;
  readonly tokens: Tokens;
  readonly clusters: ClusterOperations;
  readonly addons: Pick<ClusterAddons, "status">;
  readonly clusterTurns: ClusterTurns;
  readonly status: () => Promise<ApplianceStatus>;
  /** The effective configuration with every secret replaced. */
  readonly config: unknown;
  /** The whole state as one archive. */
  readonly backup: () => Promise<{ readonly filename: string; readonly stream: Readable }>;
}
