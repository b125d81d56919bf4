/** Headlamp: a web page to look at the cluster, in the place of the archived kubernetes-dashboard. */
import { z } from "zod";
import { type Addon, addon, taggedManifest } from "./addon.ts";
import { change, changeContainer, type KubernetesObject, withValue } from "./objects.ts";

const VERSION = "0.45.0";
const PROJECT = { component: "headlamp", repository: "kubernetes-sigs/headlamp", version: VERSION };
const NAMESPACE = "kube-system";
const IMAGE = `ghcr.io/headlamp-k8s/headlamp:v${VERSION}`;
const ADMIN = "headlamp-admin";

const parameters = z.strictObject({
  nodePort: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: "Reach it on this port of every node" }),
  admin: z
    .boolean()
    .default(false)
    .meta({
      description: `Make a service account ${ADMIN} that may do everything, to log in with its token`,
    }),
});

export const headlamp: Addon = addon({
  name: "headlamp",
  summary: "Web page to look at the cluster",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.33", to: "1.37" },
  sources: [taggedManifest(PROJECT, "kubernetes-headlamp.yaml")],
  images: [IMAGE],
  parameters,
  workloads: [{ kind: "Deployment", namespace: NAMESPACE, name: "headlamp" }],
  transform: (objects, { parameters: { nodePort, admin } }) => {
    // The project's manifest names no version and sends traces to a collector that is not there.
    const pinned = change(objects, { kind: "Deployment", name: "headlamp" }, (object) =>
      changeContainer(object, "headlamp", (fields) => ({ ...fields, image: IMAGE, env: [] })),
    );
    // A token that never expires is made only for whom it was asked for.
    const kept = pinned.filter(
      ({ kind, metadata }) => kind !== "Secret" || (admin && metadata.name === ADMIN),
    );
    const exposed =
      nodePort === undefined
        ? kept
        : change(kept, { kind: "Service", name: "headlamp" }, (object) =>
            withValue(
              withValue(object, ["spec", "type"], "NodePort"),
              ["spec", "ports", 0, "nodePort"],
              nodePort,
            ),
          );
    return admin ? [...administrator(), ...exposed] : exposed;
  },
});

function administrator(): readonly KubernetesObject[] {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" };
  const subjects = [{ kind: "ServiceAccount", name: ADMIN, namespace: NAMESPACE }];
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: ADMIN, namespace: NAMESPACE } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: ADMIN },
      roleRef,
      subjects,
    },
  ];
}
