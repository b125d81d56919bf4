/** Keeps the files and images of releases here; pulls in the background, one need at a time. */
import type { ComponentFile } from "../../domain/components/component-files.ts";
import { MusterError } from "../../domain/errors.ts";
import type { Images } from "../images/images.ts";
import type { Clock, EventSink, Log, Service } from "../ports.ts";
import type { AssetStatus } from "./assets.ts";
import type { ReleaseNeed, ReleasePullOptions, Releases } from "./component-digests.ts";

/** Released files by name, as an adapter keeps them. */
export interface ComponentFiles {
  recorded(file: Pick<ComponentFile, "upstream" | "path">): { readonly sha256: string } | undefined;
  held(file: Pick<ComponentFile, "upstream" | "path">): Promise<string | undefined>;
  obtain(
    file: ComponentFile,
    options: { readonly onProgress: (written: number) => void; readonly signal: AbortSignal },
  ): Promise<string>;
  compare(file: ComponentFile): Promise<void>;
}

export interface ReleasesOptions {
  readonly files: ComponentFiles;
  readonly images: Pick<Images, "complete" | "pull">;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventSink;
  /** How long a complete need is taken for complete, milliseconds. */
  readonly checkEveryMs?: number;
  /** How long after a failure upstreams are left alone, milliseconds. */
  readonly retryAfterMs?: number;
}

interface NeedState {
  status: AssetStatus;
  /** Reading of the monotonic clock. */
  nextCheckAt: number;
  running: Promise<void> | undefined;
}

/** The release use cases; `stop` ends pulls under way. */
export function createReleases(options: ReleasesOptions): Releases & Service {
  return new KeptReleases(options);
}

class KeptReleases implements Releases, Service {
  readonly #options: ReleasesOptions;
  readonly #states = new Map<string, NeedState>();
  /** Files go past images: machines wait for files, images can be pulled through. */
  readonly #queues: Record<"files" | "images", Promise<unknown>> = {
    files: Promise.resolve(),
    images: Promise.resolve(),
  };
  #stopping = new AbortController();

  constructor(options: ReleasesOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    this.#stopping = new AbortController();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([...this.#states.values()].flatMap((state) => state.running ?? []));
  }

  sha256Of(file: Pick<ComponentFile, "upstream" | "path">): string | undefined {
    return this.#options.files.recorded(file)?.sha256;
  }

  status(need: ReleaseNeed): AssetStatus {
    const missing: AssetStatus = { kind: "missing", reason: `${need.name} is not on this appliance yet` };
    return this.#states.get(keyOf(need))?.status ?? missing;
  }

  ensure(need: ReleaseNeed): AssetStatus {
    const state = this.#stateOf(need);
    const due = this.#options.clock.monotonic() >= state.nextCheckAt;
    if (state.running || !due || this.#stopping.signal.aborted) return state.status;
    if (state.status.kind !== "ready")
      state.status = { kind: "pulling", progress: 0, what: `looking for ${need.name}` };
    state.running = this.#check(need, state).finally(() => {
      state.running = undefined;
    });
    return state.status;
  }

  async pull(need: ReleaseNeed, { onProgress, signal }: ReleasePullOptions = {}): Promise<void> {
    const signals = AbortSignal.any([this.#stopping.signal, ...(signal ? [signal] : [])]);
    await this.#inTurn(need, async () => {
      for (const file of need.files) await this.#options.files.compare(file);
      await this.#bring(need, { onProgress: onProgress ?? (() => undefined), signal: signals });
    });
    const state = this.#stateOf(need);
    state.status = { kind: "ready" };
    state.nextCheckAt = this.#options.clock.monotonic() + this.#checkEvery;
  }

  get #checkEvery(): number {
    return this.#options.checkEveryMs ?? 600_000;
  }

  async #check(need: ReleaseNeed, state: NeedState): Promise<void> {
    const { clock, log, retryAfterMs = 15_000 } = this.#options;
    let wait = this.#checkEvery;
    try {
      const onProgress: ReleasePullOptions["onProgress"] = ({ what, bytes, total }) => {
        state.status = { kind: "pulling", progress: total ? bytes / total : 0, what };
      };
      if (!(await this.#complete(need))) {
        await this.#inTurn(need, () => this.#bring(need, { onProgress, signal: this.#stopping.signal }));
      }
      state.status = { kind: "ready" };
    } catch (error) {
      wait = retryAfterMs;
      const reason =
        error instanceof MusterError ? error.message : "an internal error, see the appliance's log";
      if (!this.#stopping.signal.aborted)
        log.warn({ error, need: need.name }, "a release could not be pulled");
      state.status = { kind: "missing", reason: `${need.name}: ${reason}` };
    }
    state.nextCheckAt = clock.monotonic() + wait;
  }

  async #complete(need: ReleaseNeed): Promise<boolean> {
    const { files, images } = this.#options;
    for (const file of need.files) if ((await files.held(file)) === undefined) return false;
    const platform = `linux/${need.architecture}`;
    for (const image of need.images) if (!(await images.complete({ image, platform }))) return false;
    return true;
  }

  /** Progress counts things, not bytes: sizes are only known once a thing arrives. */
  async #bring(need: ReleaseNeed, { onProgress, signal }: Required<ReleasePullOptions>): Promise<void> {
    const { files, images, events } = this.#options;
    const total = need.files.length + need.images.length;
    const platform = `linux/${need.architecture}`;
    let fetched = 0;
    const step = (done: number, name: string) => (bytes: number) => {
      onProgress({ what: `${name}, ${(bytes / 1e6).toFixed(0)} MB so far`, bytes: done, total });
    };
    for (const [index, file] of need.files.entries()) {
      signal.throwIfAborted();
      if ((await files.held(file)) !== undefined) continue;
      await files.obtain(file, { onProgress: step(index, file.name), signal });
      fetched += 1;
    }
    for (const [index, image] of need.images.entries()) {
      signal.throwIfAborted();
      if (await images.complete({ image, platform })) continue;
      await images.pull({ image, platform, onProgress: step(need.files.length + index, image), signal });
      fetched += 1;
    }
    if (fetched === 0) return;
    const message = `${need.name} is ready: ${need.files.length} files and ${need.images.length} images`;
    events.record({ type: "assets-pulled", source: "assets", message });
  }

  #inTurn<T>(need: ReleaseNeed, work: () => Promise<T>): Promise<T> {
    const queue = need.files.length > 0 ? "files" : "images";
    const turn = this.#queues[queue].then(work);
    this.#queues[queue] = turn.catch(() => undefined);
    return turn;
  }

  #stateOf(need: ReleaseNeed): NeedState {
    const key = keyOf(need);
    const held = this.#states.get(key);
    if (held) return held;
    const state: NeedState = { status: this.status(need), nextCheckAt: 0, running: undefined };
    this.#states.set(key, state);
    return state;
  }
}

/** A cluster that asks for another version of something has another need under the same name. */
function keyOf({ name, files, images }: ReleaseNeed): string {
  return [name, ...files.map(({ path }) => path), ...images].join("\n");
}
