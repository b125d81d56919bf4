/** metrics-server: what `kubectl top` and horizontal autoscaling read. */
import { z } from "zod";
import { type Addon, addon, releaseManifest } from "./addon.ts";
import { change, withArguments, withValue } from "./objects.ts";

const VERSION = "0.9.0";
const PROJECT = {
  component: "metrics-server",
  repository: "kubernetes-sigs/metrics-server",
  version: VERSION,
};
const NAME = "metrics-server";

const parameters = z.strictObject({
  kubeletInsecureTls: z.boolean().optional().meta({
    description:
      "Accept kubelets' self-signed certificates; when left out, unless kubelets ask for signed ones",
  }),
  replicas: z.int().min(1).max(5).default(1),
});

export const metricsServer: Addon = addon({
  name: NAME,
  summary: "Resource metrics for kubectl top and autoscaling",
  kind: "addon",
  version: VERSION,
  kubernetes: { from: "1.34", to: "1.37" },
  sources: [releaseManifest(PROJECT, "components.yaml")],
  images: [`registry.k8s.io/metrics-server/metrics-server:v${VERSION}`],
  parameters,
  workloads: [{ kind: "Deployment", namespace: "kube-system", name: NAME }],
  transform: (objects, { parameters: { kubeletInsecureTls, replicas }, cluster }) => {
    const signed = cluster.spec.kubelet.config["serverTLSBootstrap"] === true;
    return change(objects, { kind: "Deployment", name: NAME }, (object) => {
      const scaled = withValue(object, ["spec", "replicas"], replicas);
      return (kubeletInsecureTls ?? !signed)
        ? withArguments(scaled, NAME, ["--kubelet-insecure-tls"])
        : scaled;
    });
  },
});
