/** Elastic Cloud on Kubernetes: the operator of Elasticsearch and Kibana (Elastic licence), for who wants these. */

import type { UpstreamFile } from "../component-files.ts";
import { type Addon, addon, noParameters } from "./addon.ts";

const VERSION = "3.3.0";

function manifest(name: string): UpstreamFile {
  return {
    component: "eck",
    version: VERSION,
    name,
    upstream: "elastic",
    path: `downloads/eck/${VERSION}/${name}`,
  };
}

export const eck: Addon = addon({
  name: "eck",
  summary: "Operator of Elasticsearch and Kibana (Elastic licence)",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.31", to: "1.36" },
  sources: [manifest("crds.yaml"), manifest("operator.yaml")],
  images: [`docker.elastic.co/eck/eck-operator:${VERSION}`],
  parameters: noParameters,
  workloads: [{ kind: "StatefulSet", namespace: "elastic-system", name: "elastic-operator" }],
  transform: (objects) => objects,
});
