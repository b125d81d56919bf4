/**
 * The files that make a machine a node, where their upstreams keep them and where they go on the machine: the layouts
 * of the Kubernetes release server and of release pages, as data.
 */
import type { KubernetesRelease } from "./kubernetes-release.ts";

export type ComponentArchitecture = "amd64" | "arm64";

export const COMPONENT_ARCHITECTURES: readonly ComponentArchitecture[] = ["amd64", "arm64"];

/** Upstreams of files, as they are named in `/mirror/<name>/…`. */
export const FILE_UPSTREAMS = ["kubernetes", "github", "github-raw", "elastic"] as const;

export type FileUpstream = (typeof FILE_UPSTREAMS)[number];

/** A file of an upstream that never changes under its name. */
export interface UpstreamFile {
  readonly component: string;
  readonly version: string;
  /** The file's own name. */
  readonly name: string;
  readonly upstream: FileUpstream;
  /** Below the upstream's address, without a leading slash: also its path below `/mirror/<upstream>/`. */
  readonly path: string;
  /**
   * Where its SHA-256 is published: a digest alone, or lines of digest and name as `sha256sum` prints them. Absent where
   * the upstream publishes none: then what was seen first counts from then on.
   */
  readonly checksumPath?: string;
}

/** A program inside an archive and its place on the machine. */
export interface ArchiveMember {
  readonly member: string;
  readonly to: string;
}

/** What becomes of the file on the machine. All programs are installed with mode 0755, owned by root. */
export type Placement =
  | { readonly kind: "program"; readonly to: string }
  | { readonly kind: "archive"; readonly members: readonly ArchiveMember[] }
  /** Every regular file of the archive, without its directories. */
  | { readonly kind: "archive-all"; readonly directory: string };

/** A file of a node, with its place on the machine. */
export interface ComponentFile extends UpstreamFile {
  readonly architecture: ComponentArchitecture;
  readonly checksumPath: string;
  readonly placement: Placement;
}

/** What a node takes from release files; everything else comes from the distribution's packages. */
export interface ComponentSources {
  /** `release` with its version, or Debian's own containerd and runc. */
  readonly containerd: { readonly from: "release"; readonly version?: string } | { readonly from: "debian" };
  /** crictl: its version, the default one, or none. */
  readonly crictl?: string | boolean;
  /** etcd, etcdctl and etcdutl, on hosts of an external etcd that runs as a systemd service: the default or a version. */
  readonly etcd?: string | boolean;
  /** Kubernetes programs; a host of an external etcd without a kubelet wants none. */
  readonly kubernetes?: readonly KubernetesProgram[];
}

export type KubernetesProgram = "kubeadm" | "kubelet" | "kubectl";

const NODE_PROGRAMS: readonly KubernetesProgram[] = ["kubeadm", "kubelet", "kubectl"];
const BIN = "/usr/local/bin";
const CNI_BIN = "/opt/cni/bin";

/** The files of a node of `release` on `arch`, in the order in which they are installed. */
export function componentFiles(
  release: KubernetesRelease,
  { arch, sources }: { readonly arch: ComponentArchitecture; readonly sources: ComponentSources },
): readonly ComponentFile[] {
  const { defaults } = release;
  const programs = sources.kubernetes ?? NODE_PROGRAMS;
  const files = programs.map((name) => kubernetesProgram({ name, version: release.version, arch }));
  if (programs.includes("kubelet")) files.push(cniPlugins(defaults.cniPlugins, arch));
  if (sources.containerd.from === "release" && programs.includes("kubelet")) {
    files.push(
      containerd(sources.containerd.version ?? defaults.containerd, arch),
      runc(defaults.runc, arch),
    );
  }
  const { crictl: wantedCrictl = true, etcd: wantedEtcd = false } = sources;
  if (wantedCrictl !== false) files.push(crictl(versionOf(wantedCrictl, defaults.crictl), arch));
  if (wantedEtcd !== false) files.push(etcd(versionOf(wantedEtcd, defaults.etcd), arch));
  return files;
}

function versionOf(wanted: string | true, fallback: string): string {
  return wanted === true ? fallback : wanted;
}

function kubernetesProgram({
  name,
  version,
  arch,
}: {
  readonly name: KubernetesProgram;
  readonly version: string;
  readonly arch: ComponentArchitecture;
}): ComponentFile {
  const path = `release/v${version}/bin/linux/${arch}/${name}`;
  return {
    component: "kubernetes",
    version,
    name,
    architecture: arch,
    upstream: "kubernetes",
    path,
    checksumPath: `${path}.sha256`,
    placement: { kind: "program", to: `${BIN}/${name}` },
  };
}

/** A project's release page: how its files are named, and where their checksums are. */
interface ReleasePage {
  readonly repository: string;
  readonly file: (version: string, arch: ComponentArchitecture) => string;
  readonly checksum: (file: string) => string;
}

const PAGES = {
  containerd: {
    repository: "containerd/containerd",
    file: (version, arch) => `containerd-${version}-linux-${arch}.tar.gz`,
    checksum: (file) => `${file}.sha256sum`,
  },
  runc: {
    repository: "opencontainers/runc",
    file: (_version, arch) => `runc.${arch}`,
    checksum: () => "runc.sha256sum",
  },
  "cni-plugins": {
    repository: "containernetworking/plugins",
    file: (version, arch) => `cni-plugins-linux-${arch}-v${version}.tgz`,
    checksum: (file) => `${file}.sha256`,
  },
  crictl: {
    repository: "kubernetes-sigs/cri-tools",
    file: (version, arch) => `crictl-v${version}-linux-${arch}.tar.gz`,
    checksum: (file) => `${file}.sha256`,
  },
  etcd: {
    repository: "etcd-io/etcd",
    file: (version, arch) => `etcd-v${version}-linux-${arch}.tar.gz`,
    checksum: () => "SHA256SUMS",
  },
} as const satisfies Record<string, ReleasePage>;

function containerd(version: string, arch: ComponentArchitecture): ComponentFile {
  return released("containerd", {
    version,
    arch,
    placement: programs(["containerd", "containerd-shim-runc-v2", "ctr"], "bin/"),
  });
}

function runc(version: string, arch: ComponentArchitecture): ComponentFile {
  return released("runc", { version, arch, placement: { kind: "program", to: `${BIN}/runc` } });
}

function cniPlugins(version: string, arch: ComponentArchitecture): ComponentFile {
  return released("cni-plugins", { version, arch, placement: { kind: "archive-all", directory: CNI_BIN } });
}

function crictl(version: string, arch: ComponentArchitecture): ComponentFile {
  return released("crictl", { version, arch, placement: programs(["crictl"], "") });
}

function etcd(version: string, arch: ComponentArchitecture): ComponentFile {
  const directory = `etcd-v${version}-linux-${arch}/`;
  return released("etcd", { version, arch, placement: programs(["etcd", "etcdctl", "etcdutl"], directory) });
}

function programs(names: readonly string[], directory: string): Placement {
  return {
    kind: "archive",
    members: names.map((name) => ({ member: directory + name, to: `${BIN}/${name}` })),
  };
}

interface ReleasedFile {
  readonly version: string;
  readonly arch: ComponentArchitecture;
  readonly placement: Placement;
}

/** A file of a release page: `OWNER/NAME/releases/download/vVERSION/FILE`, its checksums beside it. */
function released(component: keyof typeof PAGES, { version, arch, placement }: ReleasedFile): ComponentFile {
  const page = PAGES[component];
  const name = page.file(version, arch);
  const directory = `${page.repository}/releases/download/v${version}`;
  return {
    component,
    version,
    name,
    architecture: arch,
    upstream: "github",
    path: `${directory}/${name}`,
    checksumPath: `${directory}/${page.checksum(name)}`,
    placement,
  };
}

const KUBERNETES_PATH = /^release\/v(\d+\.\d+\.\d+)\/bin\/linux\/(amd64|arm64)\/([a-z][a-z-]{0,40})$/;
const PAGE_PATH = /^([^/]+\/[^/]+)\/releases\/download\/v(\d+\.\d+\.\d+)\/([^/]+)$/;

/** The released file that a path of an upstream names, with its published checksum; undefined for every other path. */
export function releasedFileAt(upstream: string, path: string): UpstreamFile | undefined {
  if (upstream === "kubernetes") {
    const [, version, , name] = KUBERNETES_PATH.exec(path) ?? [];
    if (version === undefined || name === undefined) return undefined;
    return { component: "kubernetes", version, name, upstream, path, checksumPath: `${path}.sha256` };
  }
  if (upstream !== "github") return undefined;
  const [, repository, version, name] = PAGE_PATH.exec(path) ?? [];
  if (version === undefined || name === undefined) return undefined;
  const [component, page] = Object.entries(PAGES).find(([, each]) => each.repository === repository) ?? [];
  const known = COMPONENT_ARCHITECTURES.some((arch) => page?.file(version, arch) === name);
  if (component === undefined || page === undefined || !known) return undefined;
  const directory = path.slice(0, path.length - name.length);
  return {
    component,
    version,
    name,
    upstream,
    path,
    checksumPath: directory + page.checksum(name),
  };
}

/** The SHA-256 of `name` in what an upstream publishes; undefined when it is not in there. */
export function publishedSha256(text: string, name: string): string | undefined {
  const lines = text.split("\n").flatMap((line) => {
    const [, sha256, file] = /^([0-9a-f]{64})(?:\s+\*?(?:\.\/)?(\S+))?\s*$/.exec(line) ?? [];
    return sha256 === undefined ? [] : [{ sha256, file }];
  });
  const [first, ...more] = lines;
  const alone = first?.file === undefined && more.length === 0 ? first : undefined;
  return (lines.find(({ file }) => file === name) ?? alone)?.sha256;
}
