/** The clusters of examples/, as they are after inheritance. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type ClusterView, clusterView } from "../../src/domain/cluster/members.ts";
import { resolveResources } from "../../src/domain/cluster/resource-set.ts";
import { readDocuments } from "../../src/services/resources/read-documents.ts";

const EXAMPLES = path.join(import.meta.dirname, "../../examples");

/** Every file of documents: `minimal.yaml` and each `<name>/cluster.yaml`. */
export const EXAMPLE_FILES: readonly string[] = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" })
  .filter((name) => name === "minimal.yaml" || name.endsWith("/cluster.yaml"))
  .sort();

/** The cluster of one file. @throws RangeError when the file holds none or is not valid. */
export function exampleCluster(file: string): ClusterView {
  const text = readFileSync(path.join(EXAMPLES, file), "utf8");
  const set = resolveResources(readDocuments([{ name: file, text }]).resources);
  const [cluster] = set.clusters;
  if (!cluster || set.faults.length > 0) throw new RangeError(`${file}: ${JSON.stringify(set.faults)}`);
  return clusterView(cluster, set.machines);
}

/** The first member of each set of roles: together they show everything that the cluster's plans hold. */
export function membersByRoles(cluster: ClusterView): readonly string[] {
  const seen = new Map<string, string>();
  for (const { name, roles } of cluster.members) {
    const key = [...roles].sort().join();
    if (!seen.has(key)) seen.set(key, name);
  }
  return [...seen.values()];
}
