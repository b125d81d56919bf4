/** cert-manager: certificates for ingresses and gateways, from an ACME authority or one of your own. */
import { z } from "zod";
import { type Addon, addon, releaseManifest } from "./addon.ts";
import type { KubernetesObject } from "./objects.ts";

const VERSION = "1.21.2";
const PROJECT = { component: "cert-manager", repository: "cert-manager/cert-manager", version: VERSION };
const NAMESPACE = "cert-manager";
const PARTS = ["controller", "webhook", "cainjector"];

const parameters = z.strictObject({
  acme: z
    .strictObject({
      email: z.email(),
      server: z.url().default("https://acme-v02.api.letsencrypt.org/directory"),
      ingressClass: z.string().min(1).default("traefik"),
    })
    .optional()
    .meta({ description: "Makes a ClusterIssuer named acme that proves names over HTTP" }),
});

export const certManager: Addon = addon({
  name: "cert-manager",
  summary: "Certificates for ingresses, issued and renewed by themselves",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.33", to: "1.36" },
  sources: [releaseManifest(PROJECT, "cert-manager.yaml")],
  images: [...PARTS, "acmesolver"].map((name) => `quay.io/jetstack/cert-manager-${name}:v${VERSION}`),
  parameters,
  workloads: ["cert-manager", "cert-manager-webhook", "cert-manager-cainjector"].map((name) => ({
    kind: "Deployment",
    namespace: NAMESPACE,
    name,
  })),
  transform: (objects, { parameters: { acme } }) => {
    if (!acme) return objects;
    const issuer: KubernetesObject = {
      apiVersion: "cert-manager.io/v1",
      kind: "ClusterIssuer",
      metadata: { name: "acme" },
      spec: {
        acme: {
          email: acme.email,
          server: acme.server,
          privateKeySecretRef: { name: "acme-account" },
          solvers: [{ http01: { ingress: { ingressClassName: acme.ingressClass } } }],
        },
      },
    };
    return [...objects, issuer];
  },
});
