/**
 * Compiles Kubernetes and what it runs on from their published Go modules into the user's cache, each component once:
 * `node test/support/kubernetes-build.ts`. Cold it takes about a quarter of an hour on two processors; warm it does nothing.
 */
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { cacheDirectory } from "./cache.ts";
import { withFileLock } from "./file-lock.ts";
import { type GoComponent, type GoProgram, goComponents, LAB_VERSION } from "./kubernetes-components.ts";
import { execute } from "./netns.ts";

const MODULES = path.join(import.meta.dirname, "../kubernetes");
const BUILD_MINUTES = 60;
const GO = { GOFLAGS: "-buildvcs=false", GOWORK: "off", GOOS: "linux" };

/** Where the compiled programs are: component name to a directory of programs. */
export type CompiledComponents = Readonly<Record<string, string>>;

/** Where a compiled component is kept. */
export function componentDirectory({ name, version }: Pick<GoComponent, "name" | "version">): string {
  return path.join(cacheDirectory(), "kubernetes", `${name}-${version}`);
}

/** Brings every program of a Kubernetes release; compiles what is missing. @throws Error with the compiler's own words. */
export async function bringKubernetes(
  version: string = LAB_VERSION,
  say: (line: string) => void = console.log,
): Promise<CompiledComponents> {
  const brought: Record<string, string> = {};
  for (const component of goComponents(version))
    brought[component.name] = await bringComponent(component, say);
  return brought;
}

/** Brings one component; two processes that want the same wait for each other. */
export async function bringComponent(component: GoComponent, say: (line: string) => void): Promise<string> {
  const directory = componentDirectory(component);
  const fingerprint = await fingerprintOf(component);
  if (await isBuilt(directory, fingerprint)) return directory;
  const what = `${component.name} ${component.version}`;
  const work = async (): Promise<string> => {
    if (await isBuilt(directory, fingerprint)) return directory;
    await compile(component, { directory, fingerprint, say });
    return directory;
  };
  return withFileLock(`${directory}.lock`, work, () =>
    say(`waiting for another process that compiles ${what}`),
  );
}

/** Whatever changes the outcome: versions, flags, the committed go.mod. */
async function fingerprintOf(component: GoComponent): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(component));
  const committed = await committedModule(component);
  return hash.update(committed ?? "").digest("hex");
}

/** The committed go.mod when it is for this very version. */
async function committedModule(component: GoComponent): Promise<string | undefined> {
  const file = path.join(MODULES, component.name, "go.mod");
  const text = await readFile(file, "utf8").catch(() => "");
  const wanted = Object.entries(component.requires).map(([module, version]) => `${module} ${version}\n`);
  return wanted.every((line) => text.includes(line)) ? text : undefined;
}

async function isBuilt(directory: string, fingerprint: string): Promise<boolean> {
  const written = await readFile(path.join(directory, ".fingerprint"), "utf8").catch(() => undefined);
  return written === fingerprint;
}

async function compile(
  component: GoComponent,
  to: { readonly directory: string; readonly fingerprint: string; readonly say: (line: string) => void },
): Promise<void> {
  const part = `${to.directory}.part`;
  const module = `${to.directory}.module`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  await prepareModule(component, module);
  for (const program of component.programs) {
    to.say(`compiling ${program.file} ${component.version}`);
    await compileProgram(component, program, { module, part });
  }
  await writeFile(path.join(part, ".fingerprint"), to.fingerprint);
  await rm(to.directory, { recursive: true, force: true });
  await rename(part, to.directory);
  await rm(module, { recursive: true });
}

/** The module to compile in: the committed one, or one made for this version. */
async function prepareModule(component: GoComponent, directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  if ((await committedModule(component)) !== undefined) {
    await cp(path.join(MODULES, component.name), directory, { recursive: true });
    return;
  }
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, "programs.go"), programsFile(component.programs));
  await writeFile(path.join(directory, "go.mod"), await moduleFile(component));
  await go(["mod", "tidy"], directory, `finding the modules of ${component.name} ${component.version}`);
}

/** A Go file that imports every program, so that `go mod tidy` keeps their modules. */
function programsFile(programs: readonly GoProgram[]): string {
  const imports = programs.map((program) => `\t_ "${program.package}"\n`).join("");
  return `//go:build tools\n\npackage programs\n\nimport (\n${imports})\n`;
}

async function moduleFile(component: GoComponent): Promise<string> {
  const requires = Object.entries(component.requires).map(([module, version]) => `\t${module} ${version}\n`);
  const head = `module muster.test/${component.name}\n\ngo 1.26.0\n\nrequire (\n${requires.join("")})\n`;
  const { staged } = component;
  return staged === undefined
    ? head
    : `${head}\nreplace (\n${await stagedModules(staged, component.version)})\n`;
}

/** Kubernetes' go.mod points to directories beside it; the same code is published as modules numbered v0.MINOR.PATCH. */
async function stagedModules(module: string, version: string): Promise<string> {
  const download = ["mod", "download", "-json", `${module}@v${version}`];
  const { Dir } = JSON.parse(await go(download, MODULES, `downloading ${module}`)) as { Dir: string };
  const text = await readFile(path.join(Dir, "go.mod"), "utf8");
  const names = [...text.matchAll(/^\s+(k8s\.io\/[a-z-]+) => \.\/staging/gm)].map(([, name]) => name ?? "");
  return names.map((name) => `\t${name} => ${name} v0.${version.replace(/^1\./, "")}\n`).join("");
}

async function compileProgram(
  component: GoComponent,
  program: GoProgram,
  at: { readonly module: string; readonly part: string },
): Promise<void> {
  const variables = Object.entries(component.variables).map(([name, value]) => `-X ${name}=${value}`);
  const linker = ["-s", "-w", ...variables, ...(program.fixed === true ? ["-extldflags -static"] : [])];
  const tags = program.tags === undefined ? [] : ["-tags", program.tags.join(",")];
  const flags = ["-trimpath", "-mod=readonly", ...tags, "-ldflags", linker.join(" ")];
  const output = path.join(at.part, program.file);
  const why = `compiling ${program.file} ${component.version}`;
  await go(
    ["build", ...flags, "-o", output, program.package],
    at.module,
    why,
    program.cgo === true ? "1" : "0",
  );
}

async function go(args: readonly string[], directory: string, why: string, cgo = "0"): Promise<string> {
  const result = await execute("go", [...args], {
    cwd: directory,
    timeout: BUILD_MINUTES * 60_000,
    env: { ...GO, CGO_ENABLED: cgo },
  });
  if (result.code === 0) return result.stdout;
  const words = result.stderr.trim().split("\n").slice(-20).join("\n");
  throw new Error(
    `${why} failed; it needs Go 1.26 or newer, gcc, libseccomp-dev and the Go module proxy:\n${words}`,
  );
}

if (import.meta.main) {
  const brought = await bringKubernetes();
  for (const [name, directory] of Object.entries(brought)) console.log(`${name}: ${directory}`);
}
