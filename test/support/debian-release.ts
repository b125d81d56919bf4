/**
 * A Debian release other than the host's, through apt itself: signatures are verified by apt with Debian's own keyring, and a
 * private configuration keeps the host's lists, cache and preferences untouched.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { execute } from "./netns.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const COMPONENTS = ["main", "main/debian-installer"];

/** One paragraph of a package index: field names to their first line. */
export interface Stanza {
  readonly Package: string;
  readonly [field: string]: string | undefined;
}

/** The addresses, without a slash at the end, at which this host's apt finds the archive and its security updates. */
export async function hostMirrors(): Promise<{ readonly debian: string; readonly security: string }> {
  const format = ["--format", "$(REPO_URI)", "Created-By: Packages"];
  // A busy host needs half a minute for it.
  const { stdout } = await execute("apt-get", ["indextargets", ...format], { timeout: 300_000 });
  const addresses = stdout.split("\n").map((line) => line.replace(/\/$/, ""));
  const debian = addresses.find((address) => /^https?:.*\/debian$/.test(address));
  if (debian === undefined) throw new Error(`apt names no Debian mirror:\n${stdout}`);
  const security = addresses.find((address) => address.endsWith("/debian-security"));
  return { debian, security: security ?? `${debian}-security` };
}

/** Splits a package index into its paragraphs. */
export function parseStanzas(text: string): Stanza[] {
  return text.split(/\n\n+/).flatMap((paragraph) => {
    const fields = [...paragraph.matchAll(/^([A-Za-z-]+): ?(.*)$/gm)].map(
      ([, name, value]) => [name, value] as const,
    );
    const stanza = Object.fromEntries(fields) as Partial<Stanza>;
    return stanza.Package === undefined ? [] : [{ ...stanza, Package: stanza.Package }];
  });
}

/** One release of the archive, seen through a private apt. */
export class DebianRelease {
  readonly mirror: string;
  readonly #directory: string;
  readonly #options: readonly string[];

  private constructor(mirror: string, directory: string) {
    this.mirror = mirror;
    this.#directory = directory;
    const settings = {
      "Dir::State": `${directory}/state`,
      "Dir::State::status": `${directory}/status`,
      "Dir::Cache": `${directory}/cache`,
      "Dir::Etc::sourcelist": `${directory}/sources.list`,
      "Dir::Etc::sourceparts": "-",
      "Dir::Etc::preferences": "-",
      "Dir::Etc::preferencesparts": "-",
      "APT::Sandbox::User": "root",
      "Acquire::Languages": "none",
      "Acquire::Retries": "3",
    };
    this.#options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  }

  /** Opens a release (`trixie`) under a directory that is kept between runs, and brings its indexes up to date. */
  static async open(options: { readonly suite: string; readonly directory: string }): Promise<DebianRelease> {
    const { suite, directory } = options;
    const { debian: mirror } = await hostMirrors();
    for (const part of ["state/lists/partial", "cache/archives/partial", "debs"]) {
      await mkdir(path.join(directory, part), { recursive: true });
    }
    const source = `deb [signed-by=${KEYRING}] ${mirror} ${suite} ${COMPONENTS.join(" ")}\n`;
    await writeFile(path.join(directory, "sources.list"), source);
    await writeFile(path.join(directory, "status"), "");
    const archive = new DebianRelease(mirror, directory);
    await archive.#apt("apt-get", "-qq", "update", "--error-on=any");
    return archive;
  }

  /** The installer's packages (udebs) of one architecture. */
  async udebs(architecture: string): Promise<Stanza[]> {
    const lists = path.join(this.#directory, "state/lists");
    const part = `main_debian-installer_binary-${architecture}_Packages`;
    const name = (await readdir(lists)).find((file) => file.includes(part));
    if (name === undefined) throw new Error(`apt fetched no index of installer packages for ${architecture}`);
    // Some hosts keep their indexes compressed: this helper of apt's reads them either way.
    return parseStanzas(await run("/usr/lib/apt/apt-helper", ["cat-file", path.join(lists, name)]));
  }

  /** The version apt would install. */
  async version(name: string): Promise<string> {
    const text = await this.#apt("apt-cache", "show", "--no-all-versions", name);
    const version = parseStanzas(text)[0]?.["Version"];
    if (version === undefined) throw new Error(`the archive has no package ${name}`);
    return version;
  }

  /** Downloads a package (once per version) and unpacks its files into a directory. */
  async unpack(name: string, into: string): Promise<void> {
    const debs = path.join(this.#directory, "debs");
    const wanted = `${name}_${(await this.version(name)).replaceAll(":", "%3a")}_`;
    const find = async () => (await readdir(debs)).find((file) => file.startsWith(wanted));
    if ((await find()) === undefined) await this.#apt("apt-get", "-qq", "download", name);
    const file = await find();
    if (file === undefined) throw new Error(`apt did not leave ${wanted}*.deb in ${debs}`);
    await mkdir(into, { recursive: true });
    await run("dpkg-deb", ["-x", path.join(debs, file), into]);
  }

  async #apt(program: string, ...args: string[]): Promise<string> {
    return run(program, [...this.#options, ...args], path.join(this.#directory, "debs"));
  }
}

/** Runs a program that must succeed, and returns what it wrote. */
export async function run(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await execute(program, args, {
    timeout: 300_000,
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
  return stdout;
}
