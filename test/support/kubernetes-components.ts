/** What the cluster lab compiles: Go modules, the programs in them, and the versions that belong to a Kubernetes release. */
import type { Addon } from "../../src/domain/components/addons/addon.ts";
import { metallb } from "../../src/domain/components/addons/metallb.ts";
import { metricsServer } from "../../src/domain/components/addons/metrics-server.ts";
import { traefik } from "../../src/domain/components/addons/traefik.ts";
import { kubernetesRelease } from "../../src/domain/components/kubernetes-release.ts";
import { KUBE_VIP_IMAGE } from "../../src/domain/node/kube-vip.ts";

/** One Go module that is compiled as it was published. */
export interface GoComponent {
  readonly name: string;
  readonly version: string;
  /** Modules with their versions: test/kubernetes/<name>/go.mod where it names the same ones, otherwise a go.mod made on the spot. */
  readonly requires: Readonly<Record<string, string>>;
  readonly programs: readonly GoProgram[];
  /** Values that the publisher's own build writes into variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** The module whose staging directories are published as modules of their own. */
  readonly staged?: string;
}

export interface GoProgram {
  readonly package: string;
  readonly file: string;
  readonly cgo?: boolean;
  readonly tags?: readonly string[];
  /** Linked with its C libraries inside. */
  readonly fixed?: boolean;
}

/** The release that every cluster test uses unless it says otherwise; the go.mod files of its components are committed. */
export const LAB_VERSION = "1.36.3";

const STATIC = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-proxy",
  "kube-scheduler",
  "kubeadm",
  "kubectl",
];
const CNI_PLUGINS = [
  ...["main/bridge", "main/host-device", "main/loopback", "main/macvlan", "main/ptp"],
  ...["ipam/dhcp", "ipam/host-local", "ipam/static"],
  ...["meta/bandwidth", "meta/firewall", "meta/portmap", "meta/tuning"],
];

/** Everything that is compiled for a Kubernetes version: itself and what the product installs beside it. @throws RangeError for an unknown version */
export function goComponents(kubernetesVersion: string = LAB_VERSION): readonly GoComponent[] {
  const release = kubernetesRelease(kubernetesVersion);
  if (!release) throw new RangeError(`no Kubernetes release is called ${kubernetesVersion}`);
  const { defaults } = release;
  return [
    kubernetes(kubernetesVersion),
    containerd(defaults.containerd),
    runc(defaults.runc),
    cniPlugins(defaults.cniPlugins),
    etcd(defaults.etcd),
    coredns(tagOf(release.images, "coredns").replace(/^v/, "")),
  ];
}

/** Add-ons of the catalogue whose programs are published as modules, at the catalogue's versions. */
export function addonComponents(): readonly GoComponent[] {
  return [
    ofAddon(metricsServer, "sigs.k8s.io/metrics-server", { "cmd/metrics-server": "metrics-server" }),
    ofAddon(metallb, "go.universe.tf/metallb", { controller: "controller", speaker: "speaker" }),
    ofAddon(traefik, "github.com/traefik/traefik/v3", { "cmd/traefik": "traefik" }),
  ];
}

function ofAddon(
  { name, version }: Pick<Addon, "name" | "version">,
  module: string,
  programs: Readonly<Record<string, string>>,
): GoComponent {
  return {
    name,
    version,
    requires: { [module]: `v${version}` },
    programs: Object.entries(programs).map(([below, file]) => ({ package: `${module}/${below}`, file })),
    variables: {},
  };
}

/** kube-vip at the version that the product installs. */
export function kubeVipComponent(): GoComponent {
  const module = "github.com/kube-vip/kube-vip";
  const version = KUBE_VIP_IMAGE.replace(/^.*:v/, "");
  return {
    name: "kube-vip",
    version,
    requires: { [module]: `v${version}` },
    programs: [{ package: module, file: "kube-vip" }],
    variables: { "main.Version": `v${version}` },
  };
}

/** The tag that kubeadm wants of one of its images. */
export function tagOf(images: readonly string[], name: string): string {
  const image = images.find((each) => each.includes(`/${name}:`));
  if (image === undefined) throw new RangeError(`kubeadm's list names no image ${name}`);
  return image.replace(/^.*:/, "");
}

function kubernetes(version: string): GoComponent {
  const [major = "", minor = ""] = version.split(".");
  const build = {
    gitVersion: `v${version}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: "clean",
    buildDate: "2026-01-01T00:00:00Z",
  };
  const variables = Object.entries(build).flatMap(([name, value]) =>
    ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].map((place) => [
      `${place}.${name}`,
      value,
    ]),
  );
  const program = (file: string): GoProgram => ({ package: `k8s.io/kubernetes/cmd/${file}`, file });
  return {
    name: "kubernetes",
    version,
    requires: { "k8s.io/kubernetes": `v${version}` },
    programs: [...STATIC.map(program), { ...program("kubelet"), cgo: true }],
    variables: Object.fromEntries(variables) as Record<string, string>,
    staged: "k8s.io/kubernetes",
  };
}

function containerd(version: string): GoComponent {
  const module = "github.com/containerd/containerd/v2";
  return {
    name: "containerd",
    version,
    requires: { [module]: `v${version}` },
    programs: ["containerd", "containerd-shim-runc-v2", "ctr"].map((file) => ({
      package: `${module}/cmd/${file}`,
      file,
    })),
    variables: { [`${module}/version.Version`]: `v${version}` },
  };
}

function runc(version: string): GoComponent {
  const module = "github.com/opencontainers/runc";
  return {
    name: "runc",
    version,
    requires: { [module]: `v${version}` },
    programs: [
      { package: module, file: "runc", cgo: true, tags: ["seccomp", "netgo", "osusergo"], fixed: true },
    ],
    variables: { "main.version": version },
  };
}

function cniPlugins(version: string): GoComponent {
  const module = "github.com/containernetworking/plugins";
  return {
    name: "cni",
    version,
    requires: { [module]: `v${version}` },
    programs: CNI_PLUGINS.map((plugin) => ({
      package: `${module}/plugins/${plugin}`,
      file: plugin.replace(/^.*\//, ""),
    })),
    variables: { [`${module}/pkg/utils/buildversion.BuildVersion`]: `v${version}` },
  };
}

function etcd(version: string): GoComponent {
  const programs = { server: "etcd", etcdctl: "etcdctl", etcdutl: "etcdutl" };
  const module = (part: string): string => `go.etcd.io/etcd/${part}/v3`;
  return {
    name: "etcd",
    version,
    requires: Object.fromEntries(Object.keys(programs).map((part) => [module(part), `v${version}`])),
    programs: Object.entries(programs).map(([part, file]) => ({ package: module(part), file })),
    variables: {},
  };
}

function coredns(version: string): GoComponent {
  const module = "github.com/coredns/coredns";
  return {
    name: "coredns",
    version,
    requires: { [module]: `v${version}` },
    programs: [{ package: module, file: "coredns" }],
    variables: {},
  };
}
