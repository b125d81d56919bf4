/** The project's image, built without an engine: buildah with chroot isolation, on a base that mmdebstrap makes. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { readAptArchives } from "../../src/adapters/assets/apt-configuration.ts";
import { cacheDirectory } from "./cache.ts";
import { type Daemon, execute, type Namespace, type ProgramResult, type RunOptions } from "./netns.ts";

const root = path.join(import.meta.dirname, "../..");
const SUITE = "trixie";
const BASE = "localhost/muster-base";
const IMAGE = "localhost/muster-test";
/** The host's own authorities: builds behind a proxy that breaks TLS open need them. */
const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";
const BUILD_SECONDS = 1200;

/** Layers are kept in the user's cache: a second build takes what has not changed from there. */
function buildah(): readonly string[] {
  const store = path.join(cacheDirectory(), "images");
  return ["buildah", "--root", path.join(store, "root"), "--runroot", path.join(store, "run")];
}

async function must(words: readonly string[], seconds: number): Promise<string> {
  const [program = "", ...args] = words;
  const { code, stdout, stderr } = await execute(program, args, { timeout: seconds * 1000, cwd: root });
  if (code === 0) return stdout.trim();
  throw new Error(`${words.join(" ")}: exit ${code}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`);
}

/** Builds the image. @returns why it cannot be built here, undefined when it was */
export async function buildImage(): Promise<string | undefined> {
  const mirror = (await readAptArchives("/etc/apt")).debian;
  if (mirror === undefined) return "needs a Debian mirror: this host's apt has none";
  await importBase(mirror);
  const registry = (await execute("npm", ["config", "get", "registry"])).stdout.trim();
  const options = ["--isolation", "chroot", "--format", "docker", "--layers", "--build-arg", `BASE=${BASE}`];
  const authorities = existsSync(AUTHORITIES) ? ["--secret", `id=ca,src=${AUTHORITIES}`] : [];
  const own = registry === "" ? [] : ["--build-arg", `NPM_REGISTRY=${registry}`];
  await must([...buildah(), "bud", ...options, ...own, ...authorities, "-t", IMAGE, "."], BUILD_SECONDS);
  return undefined;
}

async function importBase(mirror: string): Promise<void> {
  const known = await execute("buildah", [...buildah().slice(1), "images", "-q", BASE], { timeout: 120_000 });
  if (known.code === 0 && known.stdout.trim() !== "") return;
  const archive = path.join(cacheDirectory(), "images", `${SUITE}.tar`);
  await mkdir(path.dirname(archive), { recursive: true });
  await must(["mmdebstrap", "--variant=minbase", SUITE, `${archive}.partial.tar`, mirror], BUILD_SECONDS);
  await rename(`${archive}.partial.tar`, archive);
  const container = await must([...buildah(), "from", "scratch"], 60);
  await must([...buildah(), "add", container, archive, "/"], 300);
  await must([...buildah(), "commit", "--rm", container, BASE], 300);
  await rm(archive);
}

/** What the image says about itself, as docker shows it. */
export async function inspectImage(): Promise<{
  readonly Docker: { readonly config: Readonly<Record<string, unknown>> };
}> {
  return JSON.parse(await must([...buildah(), "inspect", "--type", "image", IMAGE], 60)) as Awaited<
    ReturnType<typeof inspectImage>
  >;
}

/** A container of the image in a network namespace, run by the image's own user. */
export class Container {
  readonly #name: string;
  readonly #namespace: Namespace;

  private constructor(name: string, namespace: Namespace) {
    this.#name = name;
    this.#namespace = namespace;
  }

  static async create(namespace: Namespace): Promise<Container> {
    return new Container(await must([...buildah(), "from", IMAGE], 120), namespace);
  }

  /** Runs a program inside to its end. */
  run(words: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
    const [program = "", ...args] = this.#command(words, {});
    return this.#namespace.run(program, args, options);
  }

  /** Starts a program inside that keeps running. */
  spawn(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Daemon {
    const [program = "", ...args] = this.#command(words, environment);
    return this.#namespace.spawn(program, args);
  }

  async remove(): Promise<void> {
    await execute("buildah", [...buildah().slice(1), "rm", this.#name]);
  }

  #command(words: readonly string[], environment: Readonly<Record<string, string>>): readonly string[] {
    const variables = Object.entries(environment).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    return [...buildah(), "run", "--isolation", "chroot", ...variables, this.#name, "--", ...words];
  }
}
