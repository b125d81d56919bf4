/** `muster serve` and the commands beside it, as separate processes in a namespace, from the sources. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { stringify } from "yaml";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { Daemon, Namespace, ProgramResult, RunOptions } from "./netns.ts";

const MUSTER = path.join(import.meta.dirname, "../../src/cli/muster.ts");
/** root without any of its rights: what a plain user may do, but with root's files. */
export const WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] as const;

/** A directory with `muster.yaml` and the data, from which everything is run. */
export class Serving {
  readonly directory: string;
  readonly namespace: Namespace;

  private constructor(namespace: Namespace, directory: string) {
    this.namespace = namespace;
    this.directory = directory;
  }

  static async create(t: TestContext, namespace: Namespace, config: ConfigInput): Promise<Serving> {
    const directory = await mkdtemp(path.join(tmpdir(), "muster-serving-"));
    t.after(() => rm(directory, { recursive: true, force: true }));
    await writeFile(path.join(directory, "muster.yaml"), stringify(config));
    return new Serving(namespace, directory);
  }

  /** Starts the appliance and waits until it says that it serves; `before` is put in front of the command. */
  async serve(
    options: { readonly before?: readonly string[]; readonly args?: readonly string[] } = {},
  ): Promise<Daemon> {
    const daemon = this.start(options);
    await daemon.waitFor(/Muster serves:[^]*\n\n/);
    return daemon;
  }

  /** Starts the appliance and waits for nothing. */
  start(options: { readonly before?: readonly string[]; readonly args?: readonly string[] } = {}): Daemon {
    const [program = "", ...args] = [
      ...(options.before ?? []),
      process.execPath,
      MUSTER,
      "serve",
      ...(options.args ?? []),
    ];
    return this.namespace.spawn(program, args, { cwd: this.directory });
  }

  /** Runs one command to its end. */
  muster(args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
    return this.namespace.run(process.execPath, [MUSTER, ...args], { cwd: this.directory, ...options });
  }
}
