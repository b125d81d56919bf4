/** What the appliance has to do with running clusters: their certificates, their API and etcd, and a look at them. */
import path from "node:path";
import { snapshotFiles } from "../adapters/backup/snapshot-files.ts";
import { clusterAccess } from "../adapters/kubernetes/cluster-access.ts";
import { clusterCertifier } from "../adapters/pki/cluster-certifier.ts";
import { readRequestedNames } from "../adapters/pki/requested-names.ts";
import { openSealer } from "../adapters/pki/sealer.ts";
import { keepClusterInfo } from "../services/cluster/cluster-info.ts";
import { ClusterOperations } from "../services/cluster/cluster-operations.ts";
import { ClusterPki } from "../services/cluster/cluster-pki.ts";
import type { ClusterStates } from "../services/cluster/cluster-state.ts";
import { keepEtcdIdentity } from "../services/cluster/etcd-identity.ts";
import type { RecordedPhase } from "../services/cluster/look-at-cluster.ts";
import { NodeLabels } from "../services/cluster/node-labels.ts";
import { NodeReadiness } from "../services/cluster/node-readiness.ts";
import { ClusterObserver } from "../services/cluster/observer.ts";
import { PkiRecords } from "../services/cluster/pki-record.ts";
import type { ClusterAccess } from "../services/cluster/ports.ts";
import { ServingCertificates } from "../services/cluster/serving-certificates.ts";
import { ClusterSnapshots } from "../services/cluster/snapshots.ts";
import type { Context } from "./context.ts";
import type { RegistryParts } from "./registry.ts";
import type { ResourceParts } from "./resources.ts";
import type { NamedService } from "./service-stack.ts";

export interface ClusterAccessParts {
  readonly pki: ClusterPki;
  readonly access: ClusterAccess;
  readonly observer: ClusterObserver;
  readonly operations: ClusterOperations;
  /** Copies of etcd, also for a workflow that wants one before it changes the membership. */
  readonly snapshots: ClusterSnapshots;
  /** In the order in which they start. */
  readonly services: readonly NamedService[];
}

const HOUR_MS = 3_600_000;

/** Opens the key that seals clusters' certificates. @throws MusterError `unavailable` when it is damaged. */
export async function buildClusterAccess(
  context: Context,
  { registry: parts, resources }: { readonly registry: RegistryParts; readonly resources: ResourceParts },
): Promise<ClusterAccessParts> {
  const { config, clock, timers, log } = context;
  const { events, registry, store, clusterStates } = parts;
  const { clusters } = resources.resources;
  const clusterLog = log.child({ component: "clusters" });
  const sealer = await openSealer(path.join(config.dataDir, "pki"));
  const pki = new ClusterPki({
    clusters,
    records: new PkiRecords({ settings: store.settings, sealer }),
    certifier: clusterCertifier(),
    events,
    clock,
    log: clusterLog,
  });
  const access = clusterAccess({ pki, clock });
  const readiness = new NodeReadiness({
    registry,
    joinedGeneration: (cluster, machine) => joinedGeneration(clusterStates, cluster, machine),
    clock,
    log: clusterLog,
  });
  const serving = new ServingCertificates({ access, read: readRequestedNames, events, log: clusterLog });
  const labels = new NodeLabels({ access, log: clusterLog });
  const snapshots = new ClusterSnapshots({
    access,
    store: snapshotFiles(path.join(config.dataDir, "snapshots")),
    events,
    clock,
    log: clusterLog,
    everyMs: config.cluster.snapshotHours * HOUR_MS,
    keep: config.cluster.snapshotsKept,
  });
  const observer = new ClusterObserver({
    clusters,
    access,
    recorded: (cluster) => recordedPhase(clusterStates, cluster),
    after: [
      (cluster, status) => keepEtcdIdentity({ states: clusterStates, events, clock }, cluster, status),
      (cluster, status) => readiness.tell(cluster, status),
      (cluster) => serving.settle(cluster),
      (cluster) => labels.settle(cluster),
      (cluster, status) => snapshots.settle(cluster, status),
      (cluster) => keepClusterInfo({ pki, access, events, log: clusterLog }, cluster),
    ],
    events,
    clock,
    timers,
    log: clusterLog,
  });
  return {
    pki,
    access,
    observer,
    snapshots,
    operations: new ClusterOperations({ pki, access, observer, events, clock }),
    services: [
      { name: "certificates of clusters", service: pki },
      { name: "copies of etcd", service: { start: () => Promise.resolve(), stop: () => snapshots.idle() } },
      { name: "observer", service: observer },
    ],
  };
}

function recordedPhase(states: ClusterStates, cluster: string): RecordedPhase {
  const { init } = states.get(cluster);
  const id = init.phase === "initialised" ? init.etcdClusterId : undefined;
  return { phase: init.phase, ...(id === undefined ? {} : { etcdClusterId: id }) };
}

function joinedGeneration(states: ClusterStates, cluster: string, machine: string): number | undefined {
  const progress = states.get(cluster).members[machine];
  return progress?.joinedAt === undefined ? undefined : progress.generation;
}
