/**
 * Every add-on whose manifests can be had here, as its project published them, with parameters, applied to a real API server:
 * whether it accepts each object. Nothing runs; there is no node.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createManifestFiles } from "../../src/adapters/assets/manifest-files.ts";
import type { ClusterSpecInput } from "../../src/domain/cluster/cluster-spec.ts";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import type { Addon } from "../../src/domain/components/addons/addon.ts";
import { CATALOGUE } from "../../src/domain/components/addons/catalogue.ts";
import type { KubernetesObject, Objects } from "../../src/domain/components/addons/objects.ts";
import { AddonManifests } from "../../src/services/cluster/addon-manifests.ts";
import type { Applied, KubernetesAccess } from "../../src/services/cluster/ports.ts";
import { ApiServer } from "../support/api-server.ts";
import { aCluster, aMember } from "../support/clusters.ts";
import { ComponentBench } from "../support/component-bench.ts";
import { FileServer } from "../support/file-server.ts";
import { componentDirectory } from "../support/kubernetes-build.ts";
import { goComponents, LAB_VERSION } from "../support/kubernetes-components.ts";
import { programPath } from "../support/netns.ts";
import { isPublished, publishedManifests } from "../support/published-manifests.ts";

const ADDRESS = "127.43.0.1";
const SLICE = 5;
const directoryOf = (name: string): string => {
  const component = goComponents(LAB_VERSION).find((each) => each.name === name);
  return component ? componentDirectory(component) : "";
};
const PROGRAMS = [
  path.join(directoryOf("kubernetes"), "kube-apiserver"),
  path.join(directoryOf("etcd"), "etcd"),
];
const missing = PROGRAMS.filter((program) => !existsSync(program));
const skip =
  missing.length > 0
    ? `needs ${missing.map((program) => path.basename(program)).join(", ")}: node test/support/kubernetes-build.ts`
    : programPath("go") === undefined && "needs the Go client";

/** What is said about an add-on, so that what it adds to its manifest is judged too. */
const PARAMETERS: Readonly<Record<string, Record<string, unknown>>> = {
  "kube-prometheus": { storage: { size: "100Gi" }, grafanaNodePort: 30_300 },
  "rook-ceph": { filesystem: true, deviceFilter: "^sd[b-z]$" },
  traefik: { httpPort: 880, adminPort: 8080 },
  logging: { nodePort: 30_601 },
  registry: { tlsSecret: "cert", nodePort: 30_500 },
};

function clusterWith({ name, kind }: Addon): ClusterView {
  const network = { cni: kind === "network" ? (name as "flannel") : ("none" as const) };
  const addons = kind === "addon" ? [{ name, parameters: PARAMETERS[name] ?? {} }] : [];
  const spec: ClusterSpecInput = { endpoint: undefined, network, addons };
  return aCluster({
    spec,
    members: [aMember("kube0", { roles: ["control-plane", "storage"], host: 10, address: ADDRESS })],
  });
}

/** In slices, definitions first, each of them again when it was refused or a busy host did not answer in time: as the appliance does. */
async function applyPatiently(access: KubernetesAccess, objects: Objects): Promise<readonly Applied[]> {
  const isFirst = ({ kind }: KubernetesObject): boolean =>
    kind === "CustomResourceDefinition" || kind === "Namespace";
  const ordered = [...objects.filter(isFirst), ...objects.filter((object) => !isFirst(object))];
  const applied: Applied[] = [];
  for (let at = 0; at < ordered.length; at += SLICE) {
    applied.push(...(await applySlice(access, ordered.slice(at, at + SLICE))));
  }
  return applied;
}

async function applySlice(access: KubernetesAccess, objects: Objects): Promise<readonly Applied[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      const applied = await access.apply(objects);
      // A kind is served a moment after its definition was accepted.
      if (tries >= 5 || applied.every(({ outcome }) => outcome === "applied")) return applied;
      await pause(2000);
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

describe("add-ons before a real API server", { skip }, () => {
  let server: ApiServer;
  let upstream: FileServer;
  let bench: ComponentBench;

  before(async () => {
    upstream = new FileServer();
    await upstream.start();
    bench = await ComponentBench.open(upstream);
    const [kubernetes, etcd] = [directoryOf("kubernetes"), directoryOf("etcd")];
    const none = CATALOGUE.find(({ name }) => name === "none")!;
    server = await ApiServer.start({ cluster: clusterWith(none), kubernetes, etcd });
  });
  after(async () => {
    await server.stop();
    await upstream.stop();
    bench.dispose();
  });

  for (const addon of CATALOGUE.filter(({ name }) => name !== "none" && name !== "routed")) {
    const unreachable =
      !isPublished(addon) && "its manifest is on a release page only, which is out of reach";
    test(`${addon.name} ${addon.version} is accepted, object by object`, { skip: unreachable }, async (t) => {
      const kubectl = path.join(directoryOf("kubernetes"), "kubectl");
      for (const [file, text] of await publishedManifests(addon, { kubectl }))
        upstream.files.set(file.path, Buffer.from(text));
      const manifests = new AddonManifests({ files: createManifestFiles(bench.store) });
      const rendered = (await manifests.render(clusterWith(addon))).find(({ name }) => name === addon.name);
      assert.ok(rendered && rendered.objects.length > 0);
      const applied = await applyPatiently(server.access, rendered.objects);
      const refused = applied.filter(({ outcome }) => outcome === "refused");
      assert.deepEqual(refused, []);
      assert.equal(applied.length, rendered.objects.length);
      t.diagnostic(`${applied.length} objects`);
    });
  }
});
