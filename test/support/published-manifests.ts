/** Manifests as their projects published them, taken out of Go modules: the way to them where release pages are out of reach. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Addon } from "../../src/domain/components/addons/addon.ts";
import type { UpstreamFile } from "../../src/domain/components/component-files.ts";
import { execute } from "./netns.ts";

interface PublishedIn {
  readonly module: string;
  /** The text of a manifest, given the module's directory and a kubectl. */
  readonly text: (directory: string, file: UpstreamFile, kubectl: string) => string | Promise<string>;
}

const atTag = (directory: string, { path: at, version }: UpstreamFile): string =>
  readFileSync(path.join(directory, at.slice(at.indexOf(`v${version}/`) + version.length + 2)), "utf8");

/** By component. Calico, Canal, cert-manager, ECK and Headlamp publish no module that holds what they release. */
const MODULES: Readonly<Record<string, PublishedIn>> = {
  flannel: {
    module: "github.com/flannel-io/flannel",
    text: (directory) => readFileSync(path.join(directory, "Documentation/kube-flannel.yml"), "utf8"),
  },
  traefik: { module: "github.com/traefik/traefik/v3", text: atTag },
  metallb: { module: "go.universe.tf/metallb", text: atTag },
  "rook-ceph": { module: "github.com/rook/rook", text: atTag },
  "kube-prometheus": { module: "github.com/prometheus-operator/kube-prometheus", text: atTag },
  "metrics-server": { module: "sigs.k8s.io/metrics-server", text: metricsServer },
};

/** The release's components.yaml is made by kustomize, which every kubectl holds. */
async function metricsServer(directory: string, { version }: UpstreamFile, kubectl: string): Promise<string> {
  const overlay = path.join(directory, "manifests/overlays/release");
  const { code, stdout, stderr } = await execute(kubectl, ["kustomize", overlay], { timeout: 120_000 });
  if (code !== 0) throw new Error(`kubectl kustomize ${overlay}: ${stderr}`);
  return stdout.replace(/image: .*/, `image: registry.k8s.io/metrics-server/metrics-server:v${version}`);
}

/** Whether every manifest of an add-on can be had. */
export function isPublished({ name, sources }: Addon): boolean {
  return sources.length === 0 || MODULES[name] !== undefined;
}

/** The manifests of an add-on. @throws Error with the reason of the Go client when its module cannot be had */
export async function publishedManifests(
  addon: Addon,
  { kubectl }: { readonly kubectl: string },
): Promise<ReadonlyMap<UpstreamFile, string>> {
  const found = MODULES[addon.name];
  if (!found) return new Map();
  const wanted = `${found.module}@v${addon.version}`;
  const env = { GOFLAGS: "-mod=mod", GOWORK: "off" };
  const { stdout, stderr } = await execute("go", ["mod", "download", "-json", wanted], {
    timeout: 300_000,
    env,
    cwd: "/",
  });
  const { Dir: directory = "", Error: error } = JSON.parse(stdout || "{}") as {
    Dir?: string;
    Error?: string;
  };
  if (!existsSync(directory)) throw new Error(`${wanted} cannot be had: ${error ?? stderr}`);
  const manifests = new Map<UpstreamFile, string>();
  for (const file of addon.sources) manifests.set(file, await found.text(directory, file, kubectl));
  return manifests;
}
