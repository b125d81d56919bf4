/** Keeps what machines need on disk and in agreement with the mirror; pulls in the background, one pull at a time. */
import { INSTALLABLE, planInstaller } from "../../domain/assets/asset-plan.ts";
import { disagreement } from "../../domain/assets/kernel-agreement.ts";
import { MusterError } from "../../domain/errors.ts";
import type { AssetRecord, EventSink, Log, Service } from "../ports.ts";
import type {
  AssetCheck,
  AssetStatus,
  Assets,
  Installer,
  InstallerNeed,
  PullOptions,
  PullProgress,
  PullReport,
} from "./assets.ts";
import { type InstallerRecords, installerRecords } from "./installer-records.ts";
import { type PullPorts, planOf, pullInstaller } from "./pull-installer.ts";
import { type PullState, PullStates } from "./pull-states.ts";

export interface AssetsOptions extends PullPorts {
  readonly log: Log;
  readonly events: EventSink;
  /** How long a found agreement with the mirror counts, milliseconds. */
  readonly checkEveryMs?: number;
  /** How long after a failure the archive is left alone, milliseconds. */
  readonly retryAfterMs?: number;
}

/** The asset use cases; `start` reads the records, `stop` ends pulls under way. */
export function createAssets(options: AssetsOptions): Assets & Service {
  return new KeptAssets(options);
}

class KeptAssets implements Assets, Service {
  readonly #options: AssetsOptions;
  readonly #states: PullStates;
  #records: readonly AssetRecord[] = [];
  /** Content keys of the configured initrd additions by operating system. */
  readonly #extras = new Map<string, readonly string[]>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: AssetsOptions) {
    this.#options = options;
    const { clock, log, retryAfterMs = 30_000 } = options;
    const failure = "boot assets could not be made ready";
    this.#states = new PullStates({ clock, log, retryAfterMs, failure });
  }

  async start(): Promise<void> {
    this.#states.start();
    await this.#options.source.tidy();
    const recorded = await this.#options.store.all();
    const present: AssetRecord[] = [];
    for (const record of recorded) {
      if ((await this.#options.tree.size(record.path)) === record.bytes) present.push(record);
    }
    this.#records = present;
    for (const os of INSTALLABLE) await this.#readExtras(os);
  }

  stop(): Promise<void> {
    return this.#states.stop();
  }

  status(need: InstallerNeed): AssetStatus {
    const known = this.#states.statusOf(keyOf(need));
    if (known) return known;
    if (this.#onDisk(need)) return { kind: "ready" };
    return { kind: "missing", reason: `${nameOf(need)} is not on this appliance yet` };
  }

  ensure(need: InstallerNeed): void {
    const state = this.#stateOf(need);
    if (!this.#states.isDue(state)) return;
    const what = `checking ${nameOf(need)} against the mirror`;
    state.status = { kind: "pulling", progress: 0, what };
    this.#states.run(state, nameOf(need), () => this.#check(need, state));
  }

  installer(need: InstallerNeed): Installer | undefined {
    const held = this.#onDisk(need);
    if (!held || this.status(need).kind !== "ready") return undefined;
    return {
      kernelPath: `/boot/files/${held.kernel.path}`,
      initrdPath: `/boot/files/${held.initrd.path}`,
      version: held.initrd.version,
      kernelVersion: held.kernel.version,
    };
  }

  async pull(pull: PullOptions): Promise<PullReport> {
    const signals = [this.#states.signal, ...(pull.signal ? [pull.signal] : [])];
    const report = await this.#inTurn(() => this.#pullOrKeep({ ...pull, signal: AbortSignal.any(signals) }));
    const state = this.#stateOf(pull.need);
    if (!state.running) state.nextCheckAt = 0;
    this.ensure(pull.need);
    return report;
  }

  list(): Promise<readonly AssetRecord[]> {
    return Promise.resolve(this.#records);
  }

  async verify(): Promise<readonly AssetCheck[]> {
    const { store, tree, events } = this.#options;
    const checks: AssetCheck[] = [];
    for (const record of await store.all()) {
      const found = await tree.hash(record.path);
      const result = found === undefined ? "missing" : found.sha256 === record.sha256 ? "intact" : "changed";
      checks.push({ record, result });
      if (result === "intact") continue;
      await tree.remove(record.path);
      await store.remove([record.path]);
      const message = `${record.path} is ${result}; it is not served any more`;
      events.record({ type: "asset-damaged", source: "assets", level: "warning", message });
    }
    this.#records = await store.all();
    this.#states.forgetChecks();
    return checks;
  }

  async #check(need: InstallerNeed, state: PullState): Promise<number> {
    const { checkEveryMs = 3_600_000, retryAfterMs = 30_000 } = this.#options;
    state.status = await this.#agree(need, state);
    return state.status.kind === "ready" ? checkEveryMs : Math.max(retryAfterMs, checkEveryMs / 4);
  }

  /** Pulls when the image on disk is absent, superseded, or at odds with the mirror's modules. */
  async #agree(need: InstallerNeed, state: PullState): Promise<AssetStatus> {
    const plan = planOf(need);
    await this.#readExtras(need.os);
    const survey = await this.#options.source.survey(plan, 60_000).catch((error: unknown) => {
      if (this.#onDisk(need) && isUpstreamFailure(error)) return undefined;
      throw error;
    });
    if (survey === undefined) return { kind: "ready" };
    const held = this.#onDisk(need);
    const superseded = held && survey.versions.length > 0 && !survey.versions.includes(held.initrd.version);
    const odds = held && disagreement(held.kernel.version, survey.moduleKernels);
    if (!held || superseded || odds !== undefined) {
      const onProgress = (progress: PullProgress): void => {
        state.status = pulling(progress);
      };
      await this.#inTurn(() => this.#pullOrKeep({ need, onProgress, signal: this.#states.signal }));
    }
    const now = this.#onDisk(need);
    if (!now) return { kind: "missing", reason: `${nameOf(need)} could not be completed` };
    const reason = disagreement(now.kernel.version, survey.moduleKernels);
    return reason === undefined ? { kind: "ready" } : { kind: "missing", reason };
  }

  /** Without an upstream, what is on disk and intact is the answer. */
  async #pullOrKeep(pull: PullOptions): Promise<PullReport> {
    const { events, store, tree } = this.#options;
    const { need } = pull;
    try {
      const report = await pullInstaller(this.#options, pull);
      this.#records = await store.all();
      if (!report.unchanged) {
        const message = `${nameOf(need)} ${report.version} is ready: ${report.notes.join("; ")}`;
        events.record({ type: "assets-pulled", source: "assets", message });
      }
      return report;
    } catch (error) {
      const held = isUpstreamFailure(error) ? this.#onDisk(need) : undefined;
      if (!held) throw error;
      for (const record of [held.kernel, held.initrd]) {
        if ((await tree.hash(record.path))?.sha256 !== record.sha256) throw error;
      }
      const notes = [`${(error as Error).message}; what is on disk was verified and is used`];
      const { version } = held.initrd;
      return { os: need.os, architecture: need.architecture, version, fetched: [], unchanged: true, notes };
    }
  }

  /** An addition that cannot be read shows when a machine needs it; the appliance starts all the same. */
  async #readExtras(os: string): Promise<void> {
    const { source, log } = this.#options;
    try {
      this.#extras.set(
        os,
        (await source.extras(os)).map((piece) => piece.key),
      );
    } catch (error) {
      this.#extras.set(os, ["unreadable"]);
      log.warn({ error, os }, "a configured addition to the initrd cannot be read");
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #onDisk(need: InstallerNeed): InstallerRecords | undefined {
    if (!planInstaller(need.os, need.architecture)) return undefined;
    return installerRecords(this.#records, need, this.#extras.get(need.os) ?? []);
  }

  #stateOf(need: InstallerNeed): PullState {
    return this.#states.of(keyOf(need), this.status(need));
  }
}

function isUpstreamFailure(error: unknown): boolean {
  return error instanceof MusterError && error.code === "upstream-failed";
}

function keyOf(need: InstallerNeed): string {
  return [need.os, need.architecture, ...need.firmwarePackages].join(" ");
}

function nameOf(need: InstallerNeed): string {
  const firmware = need.firmwarePackages.length === 0 ? "" : ` with ${need.firmwarePackages.join(", ")}`;
  return `${need.os} (${need.architecture})${firmware}`;
}

function pulling({ what, bytes, total }: PullProgress): AssetStatus {
  const megabytes = (count: number): string => (count / 1e6).toFixed(0);
  if (total === undefined)
    return { kind: "pulling", progress: 0, what: `${what}, ${megabytes(bytes)} MB so far` };
  const progress = total === 0 ? 1 : bytes / total;
  return { kind: "pulling", progress, what: `${what}, ${megabytes(bytes)} of ${megabytes(total)} MB` };
}
