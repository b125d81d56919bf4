/** Keeps the files and images of releases here; pulls in the background, one need at a time. */
import type { ComponentFile } from "../../domain/components/component-files.ts";
import type { Images } from "../images/images.ts";
import type { Clock, EventSink, Log, Service } from "../ports.ts";
import type { AssetStatus } from "./assets.ts";
import type { ReleaseNeed, ReleasePullOptions, Releases } from "./component-digests.ts";
import { type PullState, PullStates } from "./pull-states.ts";

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

/** The release use cases; `stop` ends pulls under way. */
export function createReleases(options: ReleasesOptions): Releases & Service {
  return new KeptReleases(options);
}

class KeptReleases implements Releases, Service {
  readonly #options: ReleasesOptions;
  readonly #states: PullStates;
  /** Files go past images: machines wait for files, images can be pulled through. */
  readonly #queues: Record<"files" | "images", Promise<unknown>> = {
    files: Promise.resolve(),
    images: Promise.resolve(),
  };

  constructor(options: ReleasesOptions) {
    this.#options = options;
    const { clock, log, retryAfterMs = 15_000 } = options;
    this.#states = new PullStates({ clock, log, retryAfterMs, failure: "a release could not be pulled" });
  }

  start(): Promise<void> {
    this.#states.start();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#states.stop();
  }

  sha256Of(file: Pick<ComponentFile, "upstream" | "path">): string | undefined {
    return this.#options.files.recorded(file)?.sha256;
  }

  status(need: ReleaseNeed): AssetStatus {
    const missing: AssetStatus = { kind: "missing", reason: `${need.name} is not on this appliance yet` };
    return this.#states.statusOf(keyOf(need)) ?? missing;
  }

  ensure(need: ReleaseNeed): AssetStatus {
    const state = this.#stateOf(need);
    if (!this.#states.isDue(state)) return state.status;
    if (state.status.kind !== "ready")
      state.status = { kind: "pulling", progress: 0, what: `looking for ${need.name}` };
    this.#states.run(state, need.name, () => this.#check(need, state));
    return state.status;
  }

  async pull(need: ReleaseNeed, { onProgress, signal }: ReleasePullOptions = {}): Promise<void> {
    const signals = AbortSignal.any([this.#states.signal, ...(signal ? [signal] : [])]);
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

  async #check(need: ReleaseNeed, state: PullState): Promise<number> {
    const onProgress: ReleasePullOptions["onProgress"] = ({ what, bytes, total }) => {
      state.status = { kind: "pulling", progress: total ? bytes / total : 0, what };
    };
    if (!(await this.#complete(need))) {
      await this.#inTurn(need, () => this.#bring(need, { onProgress, signal: this.#states.signal }));
    }
    state.status = { kind: "ready" };
    return this.#checkEvery;
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

  #stateOf(need: ReleaseNeed): PullState {
    return this.#states.of(keyOf(need), this.status(need));
  }
}

/** A cluster that asks for another version of something has another need under the same name. */
function keyOf({ name, files, images }: ReleaseNeed): string {
  return [name, ...files.map(({ path }) => path), ...images].join("\n");
}
