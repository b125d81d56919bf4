/** A registry inside the cluster. For one on a machine of its own, with TLS and logins, there is the role `registry`. */
import { z } from "zod";
import { type Addon, addon } from "./addon.ts";
import { claim, namespace, service, workload } from "./workload.ts";

const VERSION = "3.1.1";
const IMAGE = `ghcr.io/distribution/distribution:${VERSION}`;
const PLACE = "registry";

const parameters = z.strictObject({
  size: z
    .string()
    .regex(/^\d+(Gi|Ti)$/, "expected a size like 50Gi")
    .default("50Gi"),
  storageClass: z.string().min(1).optional(),
  nodePort: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: "Reach it on this port of every node" }),
  tlsSecret: z.string().min(1).optional().meta({
    description: "Secret of type kubernetes.io/tls in the namespace registry; plain HTTP without",
  }),
  htpasswdSecret: z.string().min(1).optional().meta({
    description:
      "Secret in the namespace registry whose key htpasswd holds bcrypt lines; open to everybody without",
  }),
});

export const registry: Addon = addon({
  name: "registry",
  summary: "Image registry inside the cluster",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.35", to: "1.37" },
  sources: [],
  images: [IMAGE],
  parameters,
  workloads: [{ kind: "StatefulSet", namespace: PLACE, name: "registry" }],
  transform: (objects, { parameters: { size, storageClass, nodePort, tlsSecret, htpasswdSecret } }) => {
    const mounted = [
      ...(tlsSecret === undefined ? [] : [{ name: "tls", secretName: tlsSecret }]),
      ...(htpasswdSecret === undefined ? [] : [{ name: "htpasswd", secretName: htpasswdSecret }]),
    ];
    const environment: Readonly<Record<string, string>> = {
      ...(tlsSecret !== undefined && {
        REGISTRY_HTTP_TLS_CERTIFICATE: "/secrets/tls/tls.crt",
        REGISTRY_HTTP_TLS_KEY: "/secrets/tls/tls.key",
      }),
      ...(htpasswdSecret !== undefined && {
        REGISTRY_AUTH: "htpasswd",
        REGISTRY_AUTH_HTPASSWD_REALM: "registry",
        REGISTRY_AUTH_HTPASSWD_PATH: "/secrets/htpasswd/htpasswd",
      }),
    };
    const pod = {
      containers: [
        {
          name: "registry",
          image: IMAGE,
          env: Object.entries(environment).map(([name, value]) => ({ name, value })),
          ports: [{ name: "registry", containerPort: 5000 }],
          readinessProbe: { tcpSocket: { port: "registry" } },
          volumeMounts: [
            { name: "data", mountPath: "/var/lib/registry" },
            ...mounted.map(({ name }) => ({ name, mountPath: `/secrets/${name}`, readOnly: true })),
          ],
        },
      ],
      volumes: mounted.map(({ name, secretName }) => ({ name, secret: { secretName } })),
    };
    const own = { name: "registry", namespace: PLACE };
    const spec = {
      replicas: 1,
      serviceName: "registry",
      pod,
      volumeClaimTemplates: [claim("data", { size, storageClass })],
    };
    return [
      ...objects,
      namespace(PLACE),
      service(own, { app: "registry", port: 5000, nodePort }),
      workload("StatefulSet", own, spec),
    ];
  },
});
