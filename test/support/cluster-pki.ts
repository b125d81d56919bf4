/** A cluster PKI over the store in memory, with the real certifier and a sealing key in a directory of its own. */
import { clusterCertifier } from "../../src/adapters/pki/cluster-certifier.ts";
import { openSealer } from "../../src/adapters/pki/sealer.ts";
import { ClusterPki } from "../../src/services/cluster/cluster-pki.ts";
import { PkiRecords, type Sealer } from "../../src/services/cluster/pki-record.ts";
import type { Clusters } from "../../src/services/clusters.ts";
import type { Clock } from "../../src/services/ports.ts";
import { MemoryClusters } from "./clusters.ts";
import { KeptEvents } from "./kept-events.ts";
import { KeptLog } from "./kept-log.ts";
import { MemoryStore } from "./memory-store.ts";

/** Seals nothing: for tests that are about something else and have no directory. */
const PLAIN: Sealer = {
  keyId: "plain",
  keyFile: "nowhere",
  seal: (text) => text,
  unseal: (sealed) => sealed,
};

/** The parts of one; give `store` and `directory` again to have it after a restart. */
export async function aClusterPki(options: {
  /** Where the sealing key lies; without one nothing is sealed in earnest. */
  readonly directory?: string;
  readonly clock: Clock;
  readonly store?: MemoryStore;
  readonly clusters?: Clusters;
}): Promise<{
  readonly pki: ClusterPki;
  readonly store: MemoryStore;
  readonly events: KeptEvents;
  readonly log: KeptLog;
}> {
  const { directory, clock, store = new MemoryStore(), clusters = new MemoryClusters() } = options;
  const events = new KeptEvents();
  const log = new KeptLog();
  const records = new PkiRecords({
    settings: store.settings,
    sealer: directory === undefined ? PLAIN : await openSealer(directory),
  });
  const pki = new ClusterPki({ clusters, records, certifier: clusterCertifier(), events, clock, log });
  return { pki, store, events, log };
}
