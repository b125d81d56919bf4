/** Installers, boot programs and firmware out of a Debian archive. */
import { mkdir, rm } from "node:fs/promises";
import type { BootProgram, InstallerFile, InstallerPlan } from "../../domain/assets/asset-plan.ts";
import { PROGRAMS_CODENAME } from "../../domain/assets/asset-plan.ts";
import type { Paragraph } from "../../domain/assets/deb822.ts";
import { kernelVersionsOf } from "../../domain/assets/kernel-agreement.ts";
import type { PackageFile } from "../../domain/assets/package-index.ts";
import { MusterError, NotFoundError } from "../../domain/errors.ts";
import type {
  FetchOptions,
  InstallerSource,
  InstallerSurvey,
  Obtained,
} from "../../services/assets/installer-source.ts";
import type { Archive } from "./archive.ts";
import { type UnpackedPackage, unpackDeb } from "./deb-package.ts";
import { createFirmwarePieces, extraPieces, kernelVersionIn } from "./initrd-pieces.ts";
import { findInside } from "./inside.ts";
import type { Suite } from "./suites.ts";

export interface InstallerArchiveOptions {
  readonly archive: Archive;
  /** Directory for unpacked packages, on the file system of the assets. */
  readonly workDirectory: string;
  readonly initrdExtras: readonly { readonly os: string; readonly file: string }[];
}

/** Age up to which a release read for one step of a pull serves the next step too. */
const SAME_PULL_MS = 300_000;

/** The installer source over one archive. */
export function createInstallerArchive(options: InstallerArchiveOptions): InstallerSource {
  const { archive } = options;
  const context: Context = { ...options, versions: new Map() };
  return {
    tidy: () => rm(options.workDirectory, { recursive: true, force: true }),
    survey: (plan, maxAgeMs) => survey(context, plan, maxAgeMs),
    installer: (plan, fetching) => obtainInstaller(context, plan, fetching),
    programs: (programs, fetching) => obtainPrograms(context, programs, fetching),
    firmware: async (plan, { packages, initrd, ...fetching }) => {
      const suite = await archive.suites.get(plan.codename, SAME_PULL_MS);
      const fetch = (entry: PackageFile): Promise<string> => fetchPackage(context, { entry, ...fetching });
      return createFirmwarePieces({
        archive,
        suite,
        plan,
        packages,
        initrd,
        fetch,
        work: options.workDirectory,
      });
    },
    extras: (os) => extraPieces(options.initrdExtras.filter((extra) => extra.os === os)),
    kernelVersionIn,
  };
}

interface Context extends InstallerArchiveOptions {
  /** Version of the netboot package by the checksum of the index it was read from. */
  readonly versions: Map<string, PackageFile | undefined>;
}

async function survey(context: Context, plan: InstallerPlan, maxAgeMs: number): Promise<InstallerSurvey> {
  const { archive } = context;
  const suite = await archive.suites.get(plan.codename, maxAgeMs);
  const modules: Paragraph[] = [];
  await archive.readIndex(suite, plan.moduleIndex, (paragraph) => modules.push(paragraph));
  const fallback = await netbootPackage(context, { suite, plan });
  const versions = [imageVersion(suite, plan), fallback?.version].filter((each) => each !== undefined);
  return {
    release: suite.release.version,
    versions,
    moduleKernels: kernelVersionsOf(modules),
    current: suite.current,
    ...(suite.note !== undefined && { note: suite.note }),
  };
}

/** The directory of the version that `current` stands for has the same checksums. */
function imageVersion(suite: Suite, plan: InstallerPlan): string | undefined {
  const current = suite.release.files.get(`${plan.imagesDirectory}/SHA256SUMS`)?.sha256;
  const installer = plan.imagesDirectory.split("/current/")[0] ?? "";
  for (const [name, { sha256 }] of suite.release.files) {
    const version = name.startsWith(`${installer}/`)
      ? name.slice(installer.length + 1).split("/")[0]
      : undefined;
    if (sha256 === current && name.endsWith("/images/SHA256SUMS") && version !== "current") return version;
  }
  return undefined;
}

interface Where {
  readonly suite: Suite;
  readonly plan: InstallerPlan;
}

async function netbootPackage(context: Context, { suite, plan }: Where): Promise<PackageFile | undefined> {
  const index = `main/binary-${architectureOf(plan)}/Packages.gz`;
  const key = `${suite.release.files.get(index)?.sha256 ?? ""} ${plan.fallbackPackage}`;
  if (context.versions.has(key)) return context.versions.get(key);
  const found = await context.archive.packages(suite, index, [plan.fallbackPackage]);
  context.versions.clear();
  context.versions.set(key, found.get(plan.fallbackPackage));
  return found.get(plan.fallbackPackage);
}

function architectureOf(plan: InstallerPlan): string {
  return plan.moduleIndex.split("binary-")[1]?.split("/")[0] ?? "amd64";
}

async function obtainInstaller(
  context: Context,
  plan: InstallerPlan,
  options: FetchOptions,
): Promise<Obtained> {
  const suite = await context.archive.suites.get(plan.codename, SAME_PULL_MS);
  try {
    return await installerFromImages(context, { suite, plan }, options);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    return installerFromPackage(context, { suite, plan }, options);
  }
}

async function installerFromImages(
  { archive }: Context,
  { suite, plan }: Where,
  options: FetchOptions,
): Promise<Obtained> {
  const files = new Map<string, string>();
  for (const file of plan.files) {
    const image = await archive.installerImage(suite, {
      directory: plan.imagesDirectory,
      file: file.imagePath,
    });
    if (!image) throw new NotFoundError(`the archive lists no ${file.imagePath}`);
    const what = `${file.name} of the installer`;
    const onProgress = (bytes: number): void => options.onProgress({ what, bytes, total: undefined });
    const { signal } = options;
    files.set(file.name, await archive.obtain(image, { onProgress, ...(signal && { signal }) }));
  }
  const version = imageVersion(suite, plan) ?? suite.release.version;
  const notes = [
    `kernel and initrd ${version} from ${plan.suite}/${plan.imagesDirectory} (checked by SHA256SUMS)`,
  ];
  return { version, files, notes, dispose: () => Promise.resolve() };
}

async function installerFromPackage(
  context: Context,
  where: Where,
  options: FetchOptions,
): Promise<Obtained> {
  const { suite, plan } = where;
  const entry = await netbootPackage(context, where);
  if (!entry) {
    throw new MusterError(
      "upstream-failed",
      `${context.archive.upstream.address} has neither ${plan.imagesDirectory}/netboot nor the package ${plan.fallbackPackage}`,
    );
  }
  const unpacked = await unpack(context, await fetchPackage(context, { entry, ...options }));
  const files = new Map<string, string>();
  for (const file of plan.files) files.set(file.name, await memberOf(unpacked, file, entry));
  const notes = [
    `the mirror has no ${plan.imagesDirectory}/netboot; kernel and initrd taken from the package ${entry.name} ${entry.version} of ${suite.name}`,
  ];
  return { version: entry.version, files, notes, dispose: () => unpacked.dispose() };
}

async function memberOf(unpacked: UnpackedPackage, file: InstallerFile, entry: PackageFile): Promise<string> {
  const found = await findInside(unpacked.directory, file.packagePath);
  if (found !== undefined) return found;
  await unpacked.dispose();
  throw new MusterError(
    "upstream-failed",
    `the package ${entry.name} ${entry.version} holds no ${file.packagePath}`,
  );
}

async function obtainPrograms(
  context: Context,
  programs: readonly BootProgram[],
  options: FetchOptions,
): Promise<Obtained> {
  const { archive } = context;
  const suite = await archive.suites.get(PROGRAMS_CODENAME, SAME_PULL_MS);
  const names = [...new Set(programs.map((program) => program.package))];
  const entries = await archive.packages(suite, "main/binary-amd64/Packages.gz", names);
  const files = new Map<string, string>();
  const notes: string[] = [];
  const unpacked: UnpackedPackage[] = [];
  const dispose = async (): Promise<void> => {
    for (const each of unpacked) await each.dispose();
  };
  for (const name of names) {
    const entry = entries.get(name);
    const contents = entry && (await unpack(context, await fetchPackage(context, { entry, ...options })));
    if (contents) unpacked.push(contents);
    for (const program of programs.filter((each) => each.package === name)) {
      const found = contents && (await findInside(contents.directory, program.member));
      if (found !== undefined) files.set(program.servedAs[0] ?? "", found);
      else if (program.optional) notes.push(`no ${program.servedAs[0] ?? ""}: ${name} does not hold it`);
      else {
        await dispose();
        throw new MusterError("upstream-failed", `the archive's package ${name} holds no ${program.member}`);
      }
    }
  }
  const version = entries.get("ipxe")?.version ?? suite.release.version;
  return { version, files, notes, dispose };
}

async function unpack({ workDirectory }: Context, deb: string): Promise<UnpackedPackage> {
  await mkdir(workDirectory, { recursive: true });
  return unpackDeb(deb, workDirectory);
}

function fetchPackage(
  { archive }: Context,
  { entry, onProgress, signal }: FetchOptions & { readonly entry: PackageFile },
): Promise<string> {
  const what = `${entry.name} ${entry.version}`;
  const total = entry.bytes;
  const file = { wanted: { sha256: entry.sha256, bytes: entry.bytes }, paths: [entry.filename] };
  return archive.obtain(file, {
    onProgress: (bytes) => onProgress({ what, bytes, total }),
    ...(signal && { signal }),
  });
}
