/** Traefik: the ingress, one on every node, on ports of the node itself. */
import { z } from "zod";
import { type Addon, addon, taggedManifest } from "./addon.ts";
import { change, type KubernetesObject, withValue } from "./objects.ts";

const VERSION = "3.7.9";
const PROJECT = { component: "traefik", repository: "traefik/traefik", version: VERSION };
const DOCUMENTED = "docs/content/reference/dynamic-configuration";
const NAMESPACE = "traefik";
const ACCOUNT = "traefik-ingress-controller";
const IMAGE = `docker.io/library/traefik:v${VERSION}`;

const portSchema = z.int().min(1).max(65_535);
const parameters = z.strictObject({
  httpPort: portSchema.default(80).meta({ description: "Port of every node for HTTP" }),
  httpsPort: portSchema.default(443).meta({ description: "Port of every node for HTTPS" }),
  adminPort: portSchema
    .optional()
    .meta({ description: "Port of every node for the dashboard, open to whoever reaches the node" }),
  defaultClass: z.boolean().default(true).meta({ description: "Take ingresses that name no class" }),
  acme: z.strictObject({ email: z.email(), server: z.url().optional() }).optional().meta({
    description: "Get certificates by itself; each node keeps its own, so prefer cert-manager on several",
  }),
  arguments: z.array(z.string().startsWith("--")).default([]).meta({ description: "Further arguments" }),
});

type Parameters = z.output<typeof parameters>;

export const traefik: Addon = addon({
  name: "traefik",
  summary: "Ingress on ports of every node",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.33", to: "1.37" },
  sources: ["kubernetes-crd-definition-v1.yml", "kubernetes-crd-rbac.yml"].map((name) =>
    taggedManifest(PROJECT, `${DOCUMENTED}/${name}`),
  ),
  images: [IMAGE],
  parameters,
  workloads: [{ kind: "DaemonSet", namespace: NAMESPACE, name: "traefik" }],
  transform: (objects, { parameters: wanted }) => {
    const bound = change(objects, { kind: "ClusterRoleBinding", name: ACCOUNT }, (object) =>
      withValue(object, ["subjects", 0, "namespace"], NAMESPACE),
    );
    return [...foundation(wanted), ...bound, daemonSet(wanted)];
  },
});

function foundation({ defaultClass }: Parameters): readonly KubernetesObject[] {
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: ACCOUNT, namespace: NAMESPACE } },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: {
        name: "traefik",
        annotations: { "ingressclass.kubernetes.io/is-default-class": String(defaultClass) },
      },
      spec: { controller: "traefik.io/ingress-controller" },
    },
  ];
}

function daemonSet(wanted: Parameters): KubernetesObject {
  const labels = { "app.kubernetes.io/name": "traefik" };
  const port = (name: string, containerPort: number, hostPort: number | undefined): object => ({
    name,
    containerPort,
    ...(hostPort !== undefined && { hostPort }),
  });
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "traefik", namespace: NAMESPACE, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: ACCOUNT,
          containers: [
            {
              name: "traefik",
              image: IMAGE,
              args: argumentsOf(wanted),
              ports: [
                port("web", 8000, wanted.httpPort),
                port("websecure", 8443, wanted.httpsPort),
                port("traefik", 8080, wanted.adminPort),
              ],
              readinessProbe: { httpGet: { path: "/ping", port: "traefik" }, periodSeconds: 5 },
              livenessProbe: { httpGet: { path: "/ping", port: "traefik" }, initialDelaySeconds: 10 },
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { drop: ["ALL"] },
                runAsNonRoot: true,
                runAsUser: 65_532,
              },
              volumeMounts: [{ name: "data", mountPath: "/data" }],
            },
          ],
          volumes: [{ name: "data", emptyDir: {} }],
        },
      },
    },
  };
}

function argumentsOf({ acme, adminPort, arguments: further }: Parameters): readonly string[] {
  const issuer = "--certificatesresolvers.acme.acme";
  return [
    "--entrypoints.web.address=:8000",
    "--entrypoints.websecure.address=:8443",
    "--entrypoints.websecure.http.tls=true",
    "--entrypoints.traefik.address=:8080",
    "--ping=true",
    "--metrics.prometheus=true",
    "--providers.kubernetesingress=true",
    "--providers.kubernetescrd=true",
    ...(adminPort === undefined ? [] : ["--api.dashboard=true", "--api.insecure=true"]),
    ...(acme
      ? [
          `${issuer}.email=${acme.email}`,
          `${issuer}.storage=/data/acme.json`,
          `${issuer}.httpchallenge.entrypoint=web`,
        ]
      : []),
    ...(acme?.server === undefined ? [] : [`${issuer}.caserver=${acme.server}`]),
    ...further,
  ];
}
