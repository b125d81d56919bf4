/** MetalLB: addresses for Services of type LoadBalancer, announced on the LAN or by BGP. */
import { z } from "zod";
import { type Addon, addon, taggedManifest } from "./addon.ts";
import type { KubernetesObject } from "./objects.ts";

const VERSION = "0.16.1";
const PROJECT = { component: "metallb", repository: "metallb/metallb", version: VERSION };
const NAMESPACE = "metallb-system";

const parameters = z.strictObject({
  addresses: z
    .array(
      z
        .string()
        .regex(/^[0-9a-f.:]+(?:\/\d{1,3}|\s*-\s*[0-9a-f.:]+)$/i, "expected 10.0.0.0/28 or 10.0.0.1-10.0.0.9"),
    )
    .default([])
    .meta({
      description: "Addresses handed to Services, announced on the LAN; none leaves the pools to you",
    }),
  autoAssign: z.boolean().default(true),
});

export const metallb: Addon = addon({
  name: "metallb",
  summary: "Addresses for Services of type LoadBalancer",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.35", to: "1.37" },
  sources: [taggedManifest(PROJECT, "config/manifests/metallb-native.yaml")],
  images: ["controller", "speaker"].map((name) => `quay.io/metallb/${name}:v${VERSION}`),
  parameters,
  workloads: [
    { kind: "Deployment", namespace: NAMESPACE, name: "controller" },
    { kind: "DaemonSet", namespace: NAMESPACE, name: "speaker" },
  ],
  transform: (objects, { parameters: { addresses, autoAssign } }) => {
    if (addresses.length === 0) return objects;
    const own = (kind: string, spec: object): KubernetesObject => ({
      apiVersion: "metallb.io/v1beta1",
      kind,
      metadata: { name: "muster", namespace: NAMESPACE },
      spec,
    });
    const pool = own("IPAddressPool", { addresses, autoAssign });
    return [...objects, pool, own("L2Advertisement", { ipAddressPools: ["muster"] })];
  },
});
