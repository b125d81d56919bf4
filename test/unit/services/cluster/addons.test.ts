import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { ClusterView } from "../../../../src/domain/cluster/members.ts";
import { AddonManifests } from "../../../../src/services/cluster/addon-manifests.ts";
import { ClusterAddons } from "../../../../src/services/cluster/addons.ts";
import type {
  Applied,
  ClusterAccess,
  KubernetesAccess,
  Manifest,
} from "../../../../src/services/cluster/ports.ts";
import { manifestText } from "../../../support/addon-upstream.ts";
import { aCluster, MemoryClusters } from "../../../support/clusters.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { KeptEvents } from "../../../support/kept-events.ts";
import { KeptLog } from "../../../support/kept-log.ts";

const CLUSTER = aCluster({ spec: { network: { cni: "routed" }, addons: ["metrics-server"] } });
const PATH = "/apis/apps/v1/namespaces/kube-system/deployments/metrics-server";

describe("add-ons of running clusters", () => {
  let applied: string[][];
  let refusal: string | undefined;
  let ready: number;
  let mayApply: boolean;
  let events: KeptEvents;
  let clusters: MemoryClusters;
  let clock: FakeClock;
  let addons: ClusterAddons;

  const kubernetes: Pick<KubernetesAccess, "apply" | "get"> = {
    apply: (manifests: readonly Manifest[]): Promise<readonly Applied[]> => {
      applied.push(manifests.map(({ metadata }) => metadata.name));
      const outcome =
        refusal === undefined
          ? { outcome: "applied" as const }
          : { outcome: "refused" as const, reason: refusal };
      return Promise.resolve(
        manifests.map(({ kind, metadata }) => ({ object: `${kind} ${metadata.name}`, ...outcome })),
      );
    },
    get: (path) =>
      Promise.resolve(
        path === PATH ? { spec: { replicas: 1 }, status: { readyReplicas: ready } } : undefined,
      ),
  };
  const look = (cluster: ClusterView = CLUSTER): Promise<void> => addons.look(cluster);

  beforeEach(() => {
    applied = [];
    refusal = undefined;
    ready = 1;
    mayApply = true;
    events = new KeptEvents();
    clock = new FakeClock();
    clusters = new MemoryClusters([CLUSTER]);
    addons = new ClusterAddons({
      clusters,
      manifests: new AddonManifests({ files: { text: (file) => Promise.resolve(manifestText(file)) } }),
      access: { kubernetes: () => Promise.resolve(kubernetes) } as unknown as ClusterAccess,
      mayApply: () => mayApply,
      events,
      timers: clock,
      log: new KeptLog(),
    });
  });

  it("are applied once, and again only when they change", async () => {
    await look();
    await look();
    assert.deepEqual(applied, [["metrics-server"]]);
    const changed = aCluster({
      spec: { network: { cni: "routed" }, addons: [{ name: "metrics-server", parameters: { replicas: 2 } }] },
    });
    await look(changed);
    assert.equal(applied.length, 2);
  });

  it("are ready when what they run is ready, and that is told once", async () => {
    ready = 0;
    await look();
    assert.deepEqual(addons.status(CLUSTER).at(-1), {
      name: "metrics-server",
      version: "0.9.0",
      state: "starting",
      missing: ["Deployment metrics-server"],
    });
    ready = 1;
    await look();
    await look();
    assert.equal(addons.status(CLUSTER).at(-1)?.state, "ready");
    assert.equal(
      events.ofType("addon-ready").filter(({ data }) => data?.["addon"] === "metrics-server").length,
      1,
    );
  });

  it("are tried again after a refusal, with the reason", async () => {
    refusal = "no matches for kind";
    await look();
    const status = addons.status(CLUSTER).at(-1);
    assert.match(status?.state === "failed" ? status.reason : "", /Deployment metrics-server: no matches/);
    assert.equal(events.ofType("addon-refused").length, 1);
    refusal = undefined;
    await look();
    assert.equal(addons.status(CLUSTER).at(-1)?.state, "ready");
    assert.equal(applied.length, 2);
  });

  it("wait until the cluster exists and no machine applies them", async () => {
    mayApply = false;
    await look();
    assert.deepEqual(applied, []);
    assert.deepEqual(new Set(addons.status(CLUSTER).map(({ state }) => state)), new Set(["waiting"]));
  });

  it("follow a cluster's description, and are looked after from time to time", async () => {
    await addons.start();
    await look();
    const more = aCluster({ spec: { network: { cni: "routed" }, addons: ["metrics-server", "metallb"] } });
    clusters.apply(more);
    await look(more);
    assert.deepEqual(applied.at(-1), ["metallb-system", "controller"]);
    const seen = applied.length;
    clock.advance(30_000);
    await look(more);
    assert.equal(applied.length, seen);
    await addons.stop();
    assert.equal(clock.waiting, 0);
  });
});
