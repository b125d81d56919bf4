/**
 * A cpio archive with what the stock Debian installer would download but the mirror at hand answers 404 for: some mirrors leave
 * out the installer packages (udebs) whose sources also make ordinary packages, so the programs and kernel modules are taken
 * from the ordinary packages of the same release, put in place and registered as unpacked: the installer then asks for none of
 * them. Everything else stays stock; the archive is handed to the appliance as `assets.initrdExtras`.
 */
import { existsSync } from "node:fs";
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { cacheDirectory } from "./cache.ts";
import { DebianRelease, parseStanzas, run, type Stanza } from "./debian-release.ts";

const NETBOOT_PACKAGE = "debian-installer-13-netboot-amd64";
const IMAGES = "usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64";

/** What stands in for an installer package: ordinary packages, and the files of theirs that are needed. */
const STAND_INS: Readonly<Record<string, { packages: readonly string[]; files: readonly RegExp[] }>> = {
  "e2fsprogs-udeb": {
    packages: ["e2fsprogs", "libext2fs2t64", "libcom-err2", "libss2"],
    files: [
      /^usr\/sbin\/(mke2fs|e2fsck|tune2fs|resize2fs|e2label|badblocks|(fsck|mkfs)\.ext[234])$/,
      /^etc\/mke2fs\.conf$/,
      /^usr\/lib\/[^/]+\/lib(e2p|ext2fs|com_err|ss)\.so\./,
    ],
  },
  "libmount1-udeb": { packages: ["libmount1"], files: [/^usr\/lib\/[^/]+\/libmount\.so\./] },
  "xfsprogs-udeb": {
    packages: ["xfsprogs", "libinih1", "liburcu8t64"],
    files: [
      /^usr\/sbin\/(mkfs\.xfs|xfs_repair|fsck\.xfs)$/,
      /^usr\/lib\/[^/]+\/(libinih|liburcu(-common)?)\.so\./,
    ],
  },
  // Asked for by the partitioner alone, which does without it.
  "ntfs-3g-udeb": { packages: [], files: [] },
};

/** File systems and disk drivers that the stock initrd leaves to installer packages. */
const MODULES = [
  /^kernel\/fs\/(ext4|jbd2|xfs|jfs|isofs|udf|btrfs|f2fs|squashfs)\//,
  /^kernel\/drivers\/(ata|md|nvme|block|cdrom|firewire)\//,
  /^kernel\/drivers\/scsi\/(virtio_scsi|sr_mod|sd_mod|sg|megaraid\/megaraid_sas|mpt3sas\/mpt3sas|hpsa|smartpqi\/smartpqi)\.ko/,
];

export interface InstallerExtras {
  /** The archive, or undefined where the mirror has everything. */
  readonly file: string | undefined;
  /** Installer packages that the mirror refuses and for which something stands in. */
  readonly replaced: readonly string[];
  /** The installer's kernel. */
  readonly kernel: string;
}

/** Builds the archive for Debian 13 on amd64, or finds the one already built for this version and this mirror's gaps. */
export async function installerExtras(): Promise<InstallerExtras> {
  const home = path.join(cacheDirectory(), "lab", "debian-13");
  const archive = await DebianRelease.open({ suite: "trixie", directory: path.join(home, "apt") });
  const version = await archive.version(NETBOOT_PACKAGE);
  const work = await mkdtemp(path.join(home, "build-"));
  try {
    const initrd = await unpackInitrd(archive, work);
    const absent = await absentUdebs(archive, initrd);
    const replaced = absent.map((udeb) => udeb.Package).sort();
    const kernel = path.join(home, `linux-${version}`);
    await cp(path.join(work, "netboot", IMAGES, "linux"), kernel);
    if (absent.length === 0) return { file: undefined, replaced, kernel };
    const file = path.join(home, `extras-${version}-${absent.length}.cpio.gz`);
    if (!existsSync(file)) await build({ archive, work, initrd, absent, file });
    return { file, replaced, kernel };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The installer's initrd, unpacked, and the kernel version it is for. */
interface Initrd {
  readonly directory: string;
  readonly kernel: string;
  readonly status: string;
}

async function unpackInitrd(archive: DebianRelease, work: string): Promise<Initrd> {
  await archive.unpack(NETBOOT_PACKAGE, path.join(work, "netboot"));
  const directory = path.join(work, "initrd");
  await mkdir(directory);
  await shell(`gzip -dc ../netboot/${IMAGES}/initrd.gz | cpio -id --quiet`, directory);
  const [kernel] = await readdir(path.join(directory, "usr/lib/modules"));
  if (kernel === undefined) throw new Error("the installer's initrd has no kernel modules");
  return { directory, kernel, status: await readFile(path.join(directory, "var/lib/dpkg/status"), "utf8") };
}

/** Asks the mirror for each installer package that this initrd may want and that something here can stand in for. */
async function absentUdebs(archive: DebianRelease, initrd: Initrd): Promise<Stanza[]> {
  const present = new Set(parseStanzas(initrd.status).map(({ Package }) => Package));
  const candidates = (await archive.udebs("amd64")).filter(
    (udeb) =>
      !present.has(udeb.Package) && (udeb["Kernel-Version"] === initrd.kernel || udeb.Package in STAND_INS),
  );
  const answers = await Promise.all(candidates.map((udeb) => isServed(archive, udeb)));
  return candidates.filter((_, index) => answers[index] === false);
}

async function isServed(archive: DebianRelease, udeb: Stanza): Promise<boolean> {
  const answer = await fetch(`${archive.mirror}/${udeb["Filename"] ?? ""}`, { method: "HEAD" });
  if (!answer.ok && answer.status !== 404) throw new Error(`${answer.url} answers ${answer.status}`);
  return answer.ok;
}

interface BuildOptions {
  readonly archive: DebianRelease;
  readonly work: string;
  readonly initrd: Initrd;
  readonly absent: readonly Stanza[];
  readonly file: string;
}

async function build(options: BuildOptions): Promise<void> {
  const { archive, work, initrd, absent, file } = options;
  const extra = path.join(work, "extra");
  for (const { Package } of absent) {
    const standIn = STAND_INS[Package];
    if (standIn) await addPrograms({ archive, work, extra, ...standIn });
  }
  if (absent.some((udeb) => udeb["Kernel-Version"] === initrd.kernel)) await addModules(options, extra);
  await mkdir(path.join(extra, "var/lib/dpkg"), { recursive: true });
  const registered = absent.map(registration).join("\n");
  await writeFile(path.join(extra, "var/lib/dpkg/status"), `${initrd.status.trimEnd()}\n\n${registered}`);
  // Directories stay those of the initrd: its /bin and /lib are links that an archive must not replace.
  const list = "find . -path './usr/lib/modules/*' -type d -o -type f -o -type l | sed 's,^./,,'";
  await shell(`${list} | cpio -o -H newc --quiet -R 0:0 | gzip -1 >../extra.gz`, extra);
  await rename(path.join(work, "extra.gz"), file);
}

/** A paragraph that tells the installer's dpkg that a package is there already. */
function registration(udeb: Stanza): string {
  const fields = ["Version", "Provides", "Depends"].filter((field) => udeb[field] !== undefined);
  return [
    `Package: ${udeb.Package}`,
    "Status: install ok unpacked",
    ...fields.map((field) => `${field}: ${udeb[field] ?? ""}`),
    "Description: files of the ordinary packages\n",
  ].join("\n");
}

async function addPrograms(options: {
  readonly archive: DebianRelease;
  readonly work: string;
  readonly extra: string;
  readonly packages: readonly string[];
  readonly files: readonly RegExp[];
}): Promise<void> {
  const { archive, work, extra, packages, files } = options;
  const source = path.join(work, "programs");
  for (const name of packages) await archive.unpack(name, source);
  const wanted = (await listFiles(source)).filter((file) => files.some((pattern) => pattern.test(file)));
  for (const file of wanted) await copyWithTarget(source, extra, file);
}

/** Copies a file; of a link, what it leads to as well. */
async function copyWithTarget(source: string, into: string, file: string): Promise<void> {
  const from = path.join(source, file);
  await mkdir(path.dirname(path.join(into, file)), { recursive: true });
  await cp(from, path.join(into, file), { verbatimSymlinks: true, force: true });
  const target = await readlink(from).catch(() => undefined);
  if (target !== undefined) await copyWithTarget(source, into, path.join(path.dirname(file), target));
}

/** Adds the modules that the initrd lacks, with all they depend on, and the module maps of both together. */
async function addModules({ archive, work, initrd }: BuildOptions, extra: string): Promise<void> {
  const kernel = path.join(work, "kernel");
  await archive.unpack(`linux-image-${initrd.kernel}`, kernel);
  await symlink("usr/lib", path.join(kernel, "lib")).catch(ignoreExisting);
  const modules = `usr/lib/modules/${initrd.kernel}`;
  await run("depmod", ["-b", kernel, initrd.kernel]);
  const wanted = closure(await readFile(path.join(kernel, modules, "modules.dep"), "utf8"));
  for (const file of wanted) {
    const place = path.join(modules, file);
    if (existsSync(path.join(initrd.directory, place))) continue;
    for (const into of [extra, initrd.directory]) {
      await mkdir(path.dirname(path.join(into, place)), { recursive: true });
      await cp(path.join(kernel, place), path.join(into, place));
    }
  }
  for (const file of ["modules.order", "modules.builtin", "modules.builtin.modinfo"]) {
    await cp(path.join(kernel, modules, file), path.join(initrd.directory, modules, file));
  }
  await run("depmod", ["-b", initrd.directory, initrd.kernel]);
  for (const file of await readdir(path.join(initrd.directory, modules))) {
    if (!/^modules\.(.*\.bin|softdep|devname)$/.test(file)) continue;
    await cp(path.join(initrd.directory, modules, file), path.join(extra, modules, file));
  }
}

/** The modules of {@link MODULES} and everything they need, from a `modules.dep`. */
function closure(dependencies: string): readonly string[] {
  const wanted = new Set<string>();
  for (const line of dependencies.split("\n")) {
    const [file = "", needs = ""] = line.split(":");
    if (!MODULES.some((pattern) => pattern.test(file))) continue;
    for (const name of [file, ...needs.split(" ")]) if (name !== "") wanted.add(name);
  }
  return [...wanted];
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
}

async function shell(command: string, cwd: string): Promise<void> {
  await run("sh", ["-ec", command], cwd);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
