/**
 * Kubernetes releases as data: one row per minor, with what its kubeadm asks for and the versions of everything
 * around it. A new minor is a new row; nothing else in the program knows version numbers.
 */
import { parseVersion } from "./version.ts";

/** Versions of the programs that make a machine a node, without a leading `v`. */
export interface ComponentVersions {
  readonly containerd: string;
  readonly runc: string;
  readonly cniPlugins: string;
  readonly crictl: string;
  /** The release that kubeadm's own etcd image is built from. */
  readonly etcd: string;
}

/** One exact Kubernetes version with all that belongs to it. */
export interface KubernetesRelease {
  /** For example `1.36.3`. */
  readonly version: string;
  /** For example `1.36`. */
  readonly minor: string;
  /** What `kubeadm config images list` of this version prints, in its order. */
  readonly images: readonly string[];
  /** The sandbox image, which containerd must be told too. */
  readonly pauseImage: string;
  readonly defaults: ComponentVersions;
}

interface MinorRow {
  readonly minor: string;
  /** The newest patch known when this row was last looked at. */
  readonly newest: string;
  /** Image tags as in kubeadm's `constants.go`. */
  readonly etcdTag: string;
  readonly coreDnsTag: string;
  readonly pauseTag: string;
  readonly defaults: ComponentVersions;
}

const MINORS: readonly MinorRow[] = [
  {
    minor: "1.35",
    newest: "1.35.9",
    etcdTag: "3.6.6-0",
    coreDnsTag: "v1.13.1",
    pauseTag: "3.10.1",
    defaults: { containerd: "2.2.1", runc: "1.4.3", cniPlugins: "1.9.1", crictl: "1.35.0", etcd: "3.6.6" },
  },
  {
    minor: "1.36",
    newest: "1.36.4",
    etcdTag: "3.6.8-0",
    coreDnsTag: "v1.14.2",
    pauseTag: "3.10.2",
    defaults: { containerd: "2.3.4", runc: "1.4.3", cniPlugins: "1.9.1", crictl: "1.36.0", etcd: "3.6.8" },
  },
  {
    minor: "1.37",
    newest: "1.37.1",
    etcdTag: "3.7.0-0",
    coreDnsTag: "v1.14.6",
    pauseTag: "3.10.2",
    defaults: { containerd: "2.3.4", runc: "1.4.3", cniPlugins: "1.9.1", crictl: "1.37.0", etcd: "3.7.0" },
  },
];

const DEFAULT_MINOR = "1.36";
const REGISTRY = "registry.k8s.io";

/** Minors that clusters may run, oldest first. */
export const KUBERNETES_MINORS: readonly string[] = MINORS.map(({ minor }) => minor);

/** The version of a cluster that names none: the newest known patch of the minor that add-ons have declared. */
export const DEFAULT_KUBERNETES_VERSION: string = rowOf(DEFAULT_MINOR)?.newest ?? DEFAULT_MINOR;

/** The release of an exact version such as `1.36.3` (any patch of a known minor); undefined for every other text. */
export function kubernetesRelease(version: string): KubernetesRelease | undefined {
  const parsed = parseVersion(version);
  if (!parsed) return undefined;
  const row = rowOf(`${parsed.major}.${parsed.minor}`);
  if (!row) return undefined;
  const { minor, defaults } = row;
  return { version, minor, images: imagesOf(row, version), pauseImage: pauseImageOf(row), defaults };
}

/** The newest patch known of a minor such as `1.36`; undefined for a minor that is not offered. */
export function newestPatch(minor: string): string | undefined {
  return rowOf(minor)?.newest;
}

function rowOf(minor: string): MinorRow | undefined {
  return MINORS.find((row) => row.minor === minor);
}

function imagesOf(row: MinorRow, version: string): readonly string[] {
  const own = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"];
  return [
    ...own.map((name) => `${REGISTRY}/${name}:v${version}`),
    `${REGISTRY}/coredns/coredns:${row.coreDnsTag}`,
    pauseImageOf(row),
    `${REGISTRY}/etcd:${row.etcdTag}`,
  ];
}

function pauseImageOf({ pauseTag }: MinorRow): string {
  return `${REGISTRY}/pause:${pauseTag}`;
}
