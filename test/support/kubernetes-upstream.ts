/**
 * An upstream of files and images as real ones lay them out: the Kubernetes release server, release pages, and a registry's
 * storage. Made once per Kubernetes version from compiled programs, kept in the user's cache.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { kubernetesRelease } from "../../src/domain/components/kubernetes-release.ts";
import { cacheDirectory } from "./cache.ts";
import { hostMirrors, run } from "./debian-release.ts";
import { withFileLock } from "./file-lock.ts";
import { bringKubernetes, type CompiledComponents } from "./kubernetes-build.ts";
import { type GoComponent, goComponents, LAB_VERSION, tagOf } from "./kubernetes-components.ts";
import { type ImageContent, writeImage } from "./kubernetes-images.ts";

/** Changes when the layout of what is kept does. */
const EDITION = "2";
/** What the test pods run: a shell, a web server, a resolver. */
export const BUSYBOX_IMAGE = "registry.k8s.io/e2e-test-images/busybox:1.37.0-1";
const FROM_DEBIAN = ["busybox-static", "conntrack", "iptables", "kmod", "nftables"];
const IPTABLES = [
  "iptables",
  "iptables-save",
  "iptables-restore",
  "ip6tables",
  "ip6tables-save",
  "ip6tables-restore",
];

/** Directories of one upstream. */
export interface KubernetesUpstream {
  readonly directory: string;
  /** What `https://dl.k8s.io` holds. */
  readonly kubernetes: string;
  /** What `https://github.com` holds. */
  readonly github: string;
  /** What `https://raw.githubusercontent.com` holds. */
  readonly githubRaw: string;
  /** Storage of a registry that answers for `registry.k8s.io`. */
  readonly registry: string;
}

/** Brings everything that is served for a Kubernetes version, compiling what is missing. */
export async function bringUpstream(
  version: string = LAB_VERSION,
  say: (line: string) => void = console.log,
): Promise<KubernetesUpstream> {
  const compiled = await bringKubernetes(version, say);
  const directory = path.join(cacheDirectory(), "kubernetes", `upstream-${version}`);
  const edition = `${EDITION} ${JSON.stringify(compiled)} ${await fingerprints(compiled)}`;
  const isMade = async (): Promise<boolean> =>
    (await readFile(path.join(directory, ".edition"), "utf8").catch(() => "")) === edition;
  if (!(await isMade())) {
    await withFileLock(`${directory}.lock`, async () => {
      if (!(await isMade())) await make(version, { compiled, directory, edition, say });
    });
  }
  const below = (name: string): string => path.join(directory, name);
  return {
    directory,
    kubernetes: below("kubernetes"),
    github: below("github"),
    githubRaw: below("github-raw"),
    registry: below("registry"),
  };
}

async function fingerprints(compiled: CompiledComponents): Promise<string> {
  const read = Object.values(compiled).map((directory) =>
    readFile(path.join(directory, ".fingerprint"), "utf8"),
  );
  return createHash("sha256")
    .update((await Promise.all(read)).join("\n"))
    .digest("hex");
}

async function make(
  version: string,
  given: {
    readonly compiled: CompiledComponents;
    readonly directory: string;
    readonly edition: string;
    readonly say: (line: string) => void;
  },
): Promise<void> {
  const { compiled, directory, edition, say } = given;
  const part = `${directory}.part`;
  await rm(part, { recursive: true, force: true });
  say(`laying out releases for Kubernetes ${version}`);
  await releaseServer(version, compiled, path.join(part, "kubernetes"));
  await releasePages(version, compiled, path.join(part, "github"));
  say(`making images for Kubernetes ${version}`);
  await images(version, { compiled, work: part });
  await writeFile(path.join(part, ".edition"), edition);
  await rm(directory, { recursive: true, force: true });
  await rename(part, directory);
}

/** `release/vVERSION/bin/linux/amd64/PROGRAM` and the digest alone beside it. */
async function releaseServer(version: string, compiled: CompiledComponents, root: string): Promise<void> {
  const from = directoryOf(compiled, "kubernetes");
  const directory = path.join(root, `release/v${version}/bin/linux/amd64`);
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(from)) {
    if (name.startsWith(".")) continue;
    await link(path.join(from, name), path.join(directory, name));
    await writeFile(path.join(directory, `${name}.sha256`), await sha256(path.join(directory, name)));
  }
  await writeFile(path.join(root, "release/stable-1.36.txt"), `v${version}`);
}

/** `OWNER/NAME/releases/download/vVERSION/FILE`, with checksums as each project publishes them. */
async function releasePages(version: string, compiled: CompiledComponents, root: string): Promise<void> {
  const versions = new Map(
    goComponents(version).map((component: GoComponent) => [component.name, component.version]),
  );
  const page = async (repository: string, component: string): Promise<string> => {
    const directory = path.join(root, repository, "releases/download", `v${versions.get(component) ?? ""}`);
    await mkdir(directory, { recursive: true });
    return directory;
  };
  const containerd = await page("containerd/containerd", "containerd");
  await archive(compiled, "containerd", {
    file: path.join(containerd, `containerd-${versions.get("containerd") ?? ""}-linux-amd64.tar.gz`),
    prefix: "bin",
    checksum: ".sha256sum",
  });
  const cni = await page("containernetworking/plugins", "cni");
  await archive(compiled, "cni", {
    file: path.join(cni, `cni-plugins-linux-amd64-v${versions.get("cni") ?? ""}.tgz`),
    prefix: ".",
    checksum: ".sha256",
  });
  const etcd = await page("etcd-io/etcd", "etcd");
  const name = `etcd-v${versions.get("etcd") ?? ""}-linux-amd64`;
  await archive(compiled, "etcd", { file: path.join(etcd, `${name}.tar.gz`), prefix: name });
  await writeFile(path.join(etcd, "SHA256SUMS"), await checksumLine(path.join(etcd, `${name}.tar.gz`)));
  const runc = path.join(await page("opencontainers/runc", "runc"), "runc.amd64");
  await link(path.join(directoryOf(compiled, "runc"), "runc"), runc);
  await writeFile(path.join(path.dirname(runc), "runc.sha256sum"), await checksumLine(runc));
}

async function archive(
  compiled: CompiledComponents,
  component: string,
  to: { readonly file: string; readonly prefix: string; readonly checksum?: string },
): Promise<void> {
  const owner = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name", "--mtime=@0", "--exclude=./.*"];
  const place = ["--transform", `s,^\\.,${to.prefix},`, "--show-transformed-names"];
  await run("tar", [
    "-C",
    directoryOf(compiled, component),
    ...owner,
    ...place,
    "-I",
    "gzip -1n",
    "-cf",
    to.file,
    ".",
  ]);
  if (to.checksum !== undefined) await writeFile(`${to.file}${to.checksum}`, await checksumLine(to.file));
}

async function images(
  version: string,
  { compiled, work }: { readonly compiled: CompiledComponents; readonly work: string },
): Promise<void> {
  const storage = path.join(work, "registry");
  const tools = path.join(work, "debian");
  await mkdir(storage, { recursive: true });
  await debianTools(tools);
  const pause = path.join(work, "pause");
  const source = path.join(import.meta.dirname, "../kubernetes/pause/pause.c");
  await run("gcc", ["-static", "-Os", "-s", "-o", pause, source]);
  for (const image of contents(version, { compiled, tools, pause })) await writeImage(storage, image);
  await rm(tools, { recursive: true });
  await rm(pause);
}

function contents(
  version: string,
  from: { readonly compiled: CompiledComponents; readonly tools: string; readonly pause: string },
): readonly ImageContent[] {
  const list = kubernetesRelease(version)?.images ?? [];
  const own = (program: string): ImageContent => ({
    name: `${program}:v${version}`,
    entrypoint: [`/usr/local/bin/${program}`],
    files: { [`usr/local/bin/${program}`]: path.join(directoryOf(from.compiled, "kubernetes"), program) },
  });
  const iptables = IPTABLES.map((name) => [`usr/sbin/${name}`, "xtables-nft-multi"]);
  const etcd = directoryOf(from.compiled, "etcd");
  const busybox = path.join(from.tools, "usr/bin/busybox");
  const applets = ["sh", "wget", "nslookup", "httpd", "sleep", "cat", "ls", "echo", "hostname", "ip", "ping"];
  return [
    ...["kube-apiserver", "kube-controller-manager", "kube-scheduler"].map(own),
    { ...own("kube-proxy"), base: from.tools, links: Object.fromEntries(iptables) as Record<string, string> },
    {
      name: `etcd:${tagOf(list, "etcd")}`,
      entrypoint: ["/usr/local/bin/etcd"],
      files: {
        "usr/local/bin/etcd": path.join(etcd, "etcd"),
        "usr/local/bin/etcdctl": path.join(etcd, "etcdctl"),
      },
    },
    {
      name: `coredns/coredns:${tagOf(list, "coredns")}`,
      entrypoint: ["/coredns"],
      files: { coredns: path.join(directoryOf(from.compiled, "coredns"), "coredns") },
    },
    { name: `pause:${tagOf(list, "pause")}`, entrypoint: ["/pause"], files: { pause: from.pause } },
    {
      name: BUSYBOX_IMAGE.replace("registry.k8s.io/", ""),
      entrypoint: ["/bin/sh"],
      files: { "bin/busybox": busybox },
      links: Object.fromEntries(applets.map((applet) => [`bin/${applet}`, "busybox"])),
    },
  ];
}

/** Debian's programs that kube-proxy calls, with their libraries, unpacked and not configured. */
async function debianTools(directory: string): Promise<void> {
  const { debian } = await hostMirrors();
  const options = ["--mode=root", "--variant=extract", `--include=${FROM_DEBIAN.join(",")}`, "--quiet"];
  await promisify(execFile)("mmdebstrap", [...options, "trixie", directory, debian], { timeout: 600_000 });
  for (const part of ["bin", "lib", "lib64", "sbin"]) {
    await symlink(`usr/${part}`, path.join(directory, part)).catch(() => undefined);
  }
  await run("chroot", [directory, "/usr/sbin/nft", "--version"]);
  await run("chroot", [directory, "/usr/sbin/conntrack", "--version"]);
  for (const part of ["usr/share", "var", "etc"]) {
    await rm(path.join(directory, part), { recursive: true, force: true });
  }
}

function directoryOf(compiled: CompiledComponents, component: string): string {
  const directory = compiled[component];
  if (directory === undefined) throw new Error(`${component} was not compiled`);
  return directory;
}

async function checksumLine(file: string): Promise<string> {
  return `${await sha256(file)}  ${path.basename(file)}\n`;
}

async function sha256(file: string): Promise<string> {
  return (await run("sha256sum", ["--", file])).slice(0, 64);
}

if (import.meta.main) console.log(await bringUpstream());
