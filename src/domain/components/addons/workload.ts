/** Objects that add-ons without a manifest of their project are made of. */
import type { KubernetesObject } from "./objects.ts";

interface Named {
  readonly name: string;
  readonly namespace: string;
}

/** The label by which an add-on's own objects find each other. */
export function appLabels(name: string): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": name };
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

export function serviceAccount({ name, namespace: place }: Named): KubernetesObject {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: place } };
}

export function configMap(
  { name, namespace: place }: Named,
  data: Readonly<Record<string, string>>,
): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: place }, data };
}

/** A Service in front of the pods labelled with `app`. */
export function service(
  { name, namespace: place }: Named,
  {
    app,
    port,
    nodePort,
    headless = false,
  }: {
    readonly app: string;
    readonly port: number;
    readonly nodePort?: number | undefined;
    readonly headless?: boolean;
  },
): KubernetesObject {
  const ports = [{ name: "main", port, targetPort: port, ...(nodePort !== undefined && { nodePort }) }];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: place, labels: appLabels(app) },
    spec: {
      selector: appLabels(app),
      ports,
      ...(nodePort !== undefined && { type: "NodePort" }),
      ...(headless && { clusterIP: "None" }),
    },
  };
}

/** A workload of pods labelled with its own name. */
export function workload(
  kind: "Deployment" | "DaemonSet" | "StatefulSet",
  { name, namespace: place }: Named,
  { pod, ...spec }: Readonly<Record<string, unknown>> & { readonly pod: object },
): KubernetesObject {
  const labels = appLabels(name);
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace: place, labels },
    spec: { ...spec, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
  };
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** A ClusterRole and its binding to the service account of the same name. */
export function clusterRole(
  { name, namespace: place }: Named,
  rules: readonly Rule[],
): readonly KubernetesObject[] {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  return [
    { apiVersion, kind: "ClusterRole", metadata: { name }, rules },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name, namespace: place }],
    },
  ];
}

/** A claim of storage that is written by one node at a time. */
export function claim(
  name: string,
  { size, storageClass }: { readonly size: string; readonly storageClass?: string | undefined },
): object {
  return {
    metadata: { name },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: size } },
      ...(storageClass !== undefined && { storageClassName: storageClass }),
    },
  };
}
