/** What a machine fetches to become a member of its cluster: its plan and the scripts that carry it out, as one archive. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { ClusterView } from "../../domain/cluster/members.ts";
import { memberNamed } from "../../domain/cluster/members.ts";
import type { ComponentFile } from "../../domain/components/component-files.ts";
import { kubernetesRelease } from "../../domain/components/kubernetes-release.ts";
import { RenderError } from "../../domain/errors.ts";
import { shellAssignments, type TextFile } from "../../domain/install/shell.ts";
import { planNode } from "../../domain/node/node-plan.ts";
import {
  type NodeAppliance,
  type NodePlan,
  type NodePlanInput,
  PLAN_DIRECTORY,
} from "../../domain/node/plan-types.ts";
import { encodeTar } from "../../protocol/tar.ts";
import type { AssetStatus } from "../assets/assets.ts";
import type { Releases } from "../assets/component-digests.ts";
import { needsOfCluster } from "../assets/release-needs.ts";
import type { ClusterAuthorities } from "../cluster/cluster-authorities.ts";
import type { Clusters } from "../clusters.ts";
import type { Templates } from "../install/ports.ts";

/** The answer to a machine that asks for its payload. */
export type PayloadAnswer =
  | { readonly kind: "payload"; readonly bytes: Uint8Array; readonly etag: string }
  /** The machine is in no cluster (yet). */
  | { readonly kind: "none" }
  | { readonly kind: "waiting"; readonly reason: string; readonly retrySeconds: number };

export interface NodePayloadsOptions {
  readonly clusters: Pick<Clusters, "ofMachine">;
  readonly pki: { ensure(cluster: ClusterView): Promise<Pick<ClusterAuthorities, "ca" | "caHashes">> };
  readonly releases: Pick<Releases, "ensure" | "sha256Of">;
  readonly templates: Pick<Templates, "source">;
  /** Where this machine reaches the appliance. */
  readonly appliance: (machine: string) => NodeAppliance;
}

const RETRY_SECONDS = 10;
const LIBRARY = "/usr/local/lib/muster";
const UNITS = "/etc/systemd/system";

/** Programs of the node script, below boot-templates/node. */
const PROGRAMS = [
  "node",
  "routes",
  "refresh",
  "steps/files",
  "steps/packages",
  "steps/binaries",
  "steps/system",
  "steps/disks",
  "steps/runtime",
  "steps/images",
  "steps/balancer",
  "steps/zones",
  "steps/secrets",
  "steps/kubeadm",
  "steps/etcd",
  "steps/vip",
  "steps/reset",
  "steps/network",
  "steps/addons",
  "steps/finish",
] as const;
const UNIT_FILES = [
  "muster-node.service",
  "muster-routes.service",
  "muster-routes.timer",
  "muster-refresh.service",
  "muster-refresh.timer",
] as const;

export class NodePayloads {
  readonly #options: NodePayloadsOptions;

  constructor(options: NodePayloadsOptions) {
    this.#options = options;
  }

  /**
   * The plan of a machine; undefined when it is in no cluster.
   * @throws RenderError naming the machine, for a cluster that no plan can be made of.
   */
  async planFor(machine: string): Promise<NodePlan | undefined> {
    const input = await this.#inputFor(machine);
    return input && planNode(input);
  }

  /** @throws RenderError as above; MusterError `unavailable` when the cluster's certificates cannot be opened. */
  async payloadFor(machine: string): Promise<PayloadAnswer> {
    const { releases, templates } = this.#options;
    const input = await this.#inputFor(machine);
    if (!input) return { kind: "none" };
    const plan = planNode(input);
    const missing = this.#missingFiles(input);
    if (missing !== undefined) return { kind: "waiting", reason: missing, retrySeconds: RETRY_SECONDS };
    const downloads = downloadLines(plan, { appliance: input.appliance, releases });
    const bytes = packPayload(payloadFiles(plan, { downloads, templates }));
    return {
      kind: "payload",
      bytes,
      etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`,
    };
  }

  /** Why the machine cannot begin yet: a sentence, or undefined when all its files are here. */
  #missingFiles({ cluster, member }: NodePlanInput): string | undefined {
    const { architecture } = member.spec.os;
    const need = needsOfCluster(cluster).files.find((each) => each.architecture === architecture);
    const status: AssetStatus = need ? this.#options.releases.ensure(need) : { kind: "ready" };
    switch (status.kind) {
      case "ready":
        return undefined;
      case "pulling":
        return `the appliance is pulling ${status.what} (${Math.floor(status.progress * 100)} %)`;
      case "missing":
        return `the appliance lacks release files: ${status.reason}`;
    }
  }

  async #inputFor(machine: string): Promise<NodePlanInput | undefined> {
    const { clusters, pki, appliance } = this.#options;
    const cluster = clusters.ofMachine(machine);
    const member = cluster && memberNamed(cluster, machine);
    if (!member) return undefined;
    const { version } = cluster.spec.kubernetes;
    const release = kubernetesRelease(version);
    if (!release)
      throw new RenderError(`machine ${machine}: Kubernetes ${version} is of a minor that is not offered`);
    const { ca, caHashes } = await pki.ensure(cluster);
    return {
      member,
      cluster,
      release,
      appliance: appliance(machine),
      pki: { caHashes, caCertificate: ca.certificate },
    };
  }
}

/** One line per file: `name|url|sha256|kind|places`, as boot-templates/node/steps/binaries reads it. */
export function downloadLines(
  plan: Pick<NodePlan, "name" | "downloads">,
  {
    appliance,
    releases,
  }: {
    readonly appliance: Pick<NodeAppliance, "address" | "httpPort">;
    readonly releases: Pick<Releases, "sha256Of">;
  },
): string {
  return plan.downloads
    .map((file) => {
      const sha256 = releases.sha256Of(file);
      if (sha256 === undefined)
        throw new RenderError(`machine ${plan.name}: the checksum of ${file.name} is not known`);
      const url = `http://${appliance.address}:${appliance.httpPort}/mirror/${file.upstream}/${file.path}`;
      return `${[file.name, url, sha256, ...placement(file)].join("|")}\n`;
    })
    .join("");
}

function placement({ placement: place }: ComponentFile): readonly [kind: string, places: string] {
  switch (place.kind) {
    case "program":
      return [place.kind, place.to];
    case "archive":
      return [place.kind, place.members.map(({ member, to }) => `${member}>${to}`).join(" ")];
    case "archive-all":
      return [place.kind, place.directory];
  }
}

/** Every file of the payload under its path on the machine. */
export function payloadFiles(
  plan: NodePlan,
  { downloads, templates }: { readonly downloads: string; readonly templates: Pick<Templates, "source"> },
): readonly TextFile[] {
  const source = (name: string): string => templates.source(`boot-templates/node/${name}`);
  return [
    { path: `${LIBRARY}/lib.sh`, mode: "0644", content: source("lib.sh") },
    ...PROGRAMS.map((name) => ({ path: `${LIBRARY}/${name}`, mode: "0755", content: source(name) })),
    ...UNIT_FILES.map((name) => ({ path: `${UNITS}/${name}`, mode: "0644", content: source(name) })),
    { path: `${PLAN_DIRECTORY}/settings`, mode: "0644", content: shellAssignments(plan.settings) },
    { path: `${PLAN_DIRECTORY}/downloads`, mode: "0644", content: downloads },
    ...plan.planFiles,
    ...plan.files.map((file) => ({ ...file, path: `${PLAN_DIRECTORY}/root${file.path}` })),
  ];
}

/** The files as one compressed archive, to be unpacked below `/`. */
export function packPayload(files: readonly TextFile[]): Uint8Array {
  const archive = encodeTar(
    files.map(({ path, mode, content }) => ({
      path,
      mode: Number.parseInt(mode, 8),
      content: Buffer.from(content, "utf8"),
    })),
  );
  return gzipSync(archive, { level: 6 });
}
