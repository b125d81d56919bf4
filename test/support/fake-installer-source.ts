/** An archive and a boot tree in memory, to see what the asset use cases do with them. */
import { createHash } from "node:crypto";
import type { BootProgram, InstallerPlan } from "../../src/domain/assets/asset-plan.ts";
import type {
  BootTree,
  FetchOptions,
  InitrdPiece,
  InstallerSource,
  InstallerSurvey,
  Obtained,
  PlacedFile,
} from "../../src/services/assets/installer-source.ts";

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** Files that sources hand out, by a made-up path; shared with {@link MemoryBootTree}. */
export type FakeFiles = Map<string, Buffer>;

export class FakeInstallerSource implements InstallerSource {
  kernel = "6.12.1";
  version = "2025+u1";
  moduleKernels: ReadonlySet<string> = new Set(["6.12.1"]);
  /** Thrown by the next operations while set. */
  failure: Error | undefined;
  /** Holds the installer back until it is resolved. */
  gate: Promise<void> | undefined;
  pulls = 0;
  surveys = 0;
  readonly #files: FakeFiles;

  constructor(files: FakeFiles) {
    this.#files = files;
  }

  tidy(): Promise<void> {
    return Promise.resolve();
  }

  survey(): Promise<InstallerSurvey> {
    this.surveys += 1;
    if (this.failure) return Promise.reject(this.failure);
    const { version, moduleKernels } = this;
    return Promise.resolve({ release: "13.1", versions: [version], moduleKernels, current: true });
  }

  async installer(plan: InstallerPlan, { onProgress, signal }: FetchOptions): Promise<Obtained> {
    this.pulls += 1;
    onProgress({ what: `${plan.codename} installer`, bytes: 25_000_000, total: 100_000_000 });
    await this.gate;
    signal?.throwIfAborted();
    if (this.failure) throw this.failure;
    return this.#obtained({ linux: `kernel ${this.kernel}`, "initrd.gz": `initrd ${this.kernel}` });
  }

  programs(programs: readonly BootProgram[]): Promise<Obtained> {
    const files = programs.filter(({ optional }) => !optional).map(({ servedAs }) => servedAs[0] ?? "");
    return Promise.resolve(this.#obtained(Object.fromEntries(files.map((name) => [name, name]))));
  }

  firmware(
    _plan: InstallerPlan,
    { packages }: { readonly packages: readonly string[] },
  ): Promise<readonly InitrdPiece[]> {
    return Promise.resolve(
      packages.map((name) => ({ name, key: name, read: () => Promise.resolve(Buffer.from(name)) })),
    );
  }

  extras(): Promise<readonly InitrdPiece[]> {
    return Promise.resolve([]);
  }

  kernelVersionIn(): Promise<string> {
    return Promise.resolve(this.kernel);
  }

  #obtained(contents: Readonly<Record<string, string>>): Obtained {
    const files = new Map<string, string>();
    for (const [name, content] of Object.entries(contents)) {
      const from = `source/${sha256(content)}`;
      this.#files.set(from, Buffer.from(content));
      files.set(name, from);
    }
    return { version: this.version, files, notes: [], dispose: () => Promise.resolve() };
  }
}

export class MemoryBootTree implements BootTree {
  readonly files: FakeFiles;

  constructor(files: FakeFiles) {
    this.files = files;
  }

  place({
    from,
    to,
  }: {
    readonly from: readonly (string | Uint8Array)[];
    readonly to: string;
  }): Promise<PlacedFile> {
    const parts = from.map((part) =>
      typeof part === "string" ? (this.files.get(part) ?? Buffer.alloc(0)) : part,
    );
    const bytes = Buffer.concat(parts);
    this.files.set(this.absolute(to), bytes);
    return Promise.resolve({ sha256: sha256(bytes), bytes: bytes.length });
  }

  hash(path: string): Promise<PlacedFile | undefined> {
    const bytes = this.files.get(this.absolute(path));
    return Promise.resolve(bytes && { sha256: sha256(bytes), bytes: bytes.length });
  }

  size(path: string): Promise<number | undefined> {
    return Promise.resolve(this.files.get(this.absolute(path))?.length);
  }

  matches(file: string, path: string): Promise<boolean> {
    const bytes = this.files.get(file);
    return Promise.resolve(
      bytes !== undefined && this.files.get(this.absolute(path))?.equals(bytes) === true,
    );
  }

  absolute(path: string): string {
    return `tree/${path}`;
  }

  remove(path: string): Promise<void> {
    this.files.delete(this.absolute(path));
    return Promise.resolve();
  }

  list(directory: string): Promise<readonly string[]> {
    const prefix = `${this.absolute(directory)}/`;
    return Promise.resolve([...this.files.keys()].filter((name) => name.startsWith(prefix)));
  }

  async removeDirectory(directory: string): Promise<void> {
    for (const name of await this.list(directory)) this.files.delete(name);
  }
}
