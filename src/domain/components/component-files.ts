/**
 * The files that make a machine a node, where their upstreams keep them and where they go on the machine: the layouts
 * of the Kubernetes release server and of release pages, as data.
 */
import type { KubernetesRelease } from "./kubernetes-release.ts";

export type ComponentArchitecture = "amd64" | "arm64";

export const COMPONENT_ARCHITECTURES: readonly ComponentArchitecture[] = ["amd64", "arm64"];

/** Upstreams of files, as they are named in the configuration and in `/mirror/<name>/…`. */
export type ComponentUpstream = "kubernetes" | "github";

/**
 * Where a file's SHA-256 is published: `bare` holds only the digest; `list` holds lines of digest and name, as
 * `sha256sum` prints them (possibly inside a clear-signed message).
 */
export interface PublishedChecksum {
  readonly path: string;
  readonly format: "bare" | "list";
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

/** One file of an upstream. */
export interface ComponentFile {
  readonly component: string;
  readonly version: string;
  /** The file's own name. */
  readonly name: string;
  readonly upstream: ComponentUpstream;
  /** Below the upstream's address, without a leading slash: also its path below `/mirror/<upstream>/`. */
  readonly path: string;
  readonly checksum: PublishedChecksum;
  readonly placement: Placement;
}

/** What a node takes from release files; everything else comes from the distribution's packages. */
export interface ComponentSources {
  /** `release` with its version, or Debian's own containerd and runc. */
  readonly containerd: { readonly from: "release"; readonly version?: string } | { readonly from: "debian" };
  /** crictl: its version, the default one, or none. */
  readonly crictl?: string | boolean;
  /** etcd, etcdctl and etcdutl: wanted on hosts of an external etcd that runs as a systemd service. */
  readonly etcd?: boolean;
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
  const { crictl: wanted = true } = sources;
  if (wanted !== false) files.push(crictl(typeof wanted === "string" ? wanted : defaults.crictl, arch));
  if (sources.etcd === true) files.push(etcd(defaults.etcd, arch));
  return files;
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
    upstream: "kubernetes",
    path,
    checksum: { path: `${path}.sha256`, format: "bare" },
    placement: { kind: "program", to: `${BIN}/${name}` },
  };
}

function containerd(version: string, arch: ComponentArchitecture): ComponentFile {
  const members = ["containerd", "containerd-shim-runc-v2", "ctr"];
  return released({
    component: "containerd",
    version,
    repository: "containerd/containerd",
    name: `containerd-${version}-linux-${arch}.tar.gz`,
    checksum: (name) => `${name}.sha256sum`,
    placement: {
      kind: "archive",
      members: members.map((name) => ({ member: `bin/${name}`, to: `${BIN}/${name}` })),
    },
  });
}

function runc(version: string, arch: ComponentArchitecture): ComponentFile {
  return released({
    component: "runc",
    version,
    repository: "opencontainers/runc",
    name: `runc.${arch}`,
    checksum: () => "runc.sha256sum",
    placement: { kind: "program", to: `${BIN}/runc` },
  });
}

function cniPlugins(version: string, arch: ComponentArchitecture): ComponentFile {
  return released({
    component: "cni-plugins",
    version,
    repository: "containernetworking/plugins",
    name: `cni-plugins-linux-${arch}-v${version}.tgz`,
    checksum: (name) => `${name}.sha256`,
    placement: { kind: "archive-all", directory: CNI_BIN },
  });
}

function crictl(version: string, arch: ComponentArchitecture): ComponentFile {
  return released({
    component: "crictl",
    version,
    repository: "kubernetes-sigs/cri-tools",
    name: `crictl-v${version}-linux-${arch}.tar.gz`,
    checksum: (name) => `${name}.sha256`,
    placement: { kind: "archive", members: [{ member: "crictl", to: `${BIN}/crictl` }] },
  });
}

function etcd(version: string, arch: ComponentArchitecture): ComponentFile {
  const directory = `etcd-v${version}-linux-${arch}`;
  const members = ["etcd", "etcdctl", "etcdutl"];
  return released({
    component: "etcd",
    version,
    repository: "etcd-io/etcd",
    name: `${directory}.tar.gz`,
    checksum: () => "SHA256SUMS",
    placement: {
      kind: "archive",
      members: members.map((name) => ({ member: `${directory}/${name}`, to: `${BIN}/${name}` })),
    },
  });
}

interface ReleasedFile {
  readonly component: string;
  readonly version: string;
  readonly repository: string;
  readonly name: string;
  readonly checksum: (name: string) => string;
  readonly placement: Placement;
}

/** A file of a release page: `OWNER/NAME/releases/download/vVERSION/FILE`, its checksums beside it. */
function released({ repository, checksum, ...file }: ReleasedFile): ComponentFile {
  const directory = `${repository}/releases/download/v${file.version}`;
  return {
    ...file,
    upstream: "github",
    path: `${directory}/${file.name}`,
    checksum: { path: `${directory}/${checksum(file.name)}`, format: "list" },
  };
}
