/** The kubelets' and kube-proxies' configuration of a cluster: ours, with a person's own settings laid over it. */
import type { NodeSettings } from "../cluster/node-settings.ts";
import { mergeSettings } from "./merge.ts";
import type { NodePlanInput } from "./plan-types.ts";

/** KubeletConfiguration (v1beta1), the same for every node of the cluster. */
export function kubeletConfiguration({ cluster }: NodePlanInput): object {
  const { node, kubelet, controlPlane } = cluster.spec;
  const ours = {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    cgroupDriver: "systemd",
    rotateCertificates: true,
    containerLogMaxSize: node.logRotation.maxSize,
    containerLogMaxFiles: node.logRotation.maxFiles,
    shutdownGracePeriod: "30s",
    shutdownGracePeriodCriticalPods: "10s",
    ...reserved("systemReserved", node.reserved.system),
    ...reserved("kubeReserved", node.reserved.kube),
    ...gates(controlPlane.featureGates),
  };
  return mergeSettings(ours, kubelet.config);
}

/** KubeProxyConfiguration (v1alpha1). */
export function kubeProxyConfiguration({ cluster }: NodePlanInput): object {
  const { kubeProxy, network, controlPlane } = cluster.spec;
  const ours = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: network.podCIDR,
    ...gates(controlPlane.featureGates),
  };
  return mergeSettings(ours, kubeProxy.config);
}

function reserved(name: string, amounts: NodeSettings["reserved"]["system"]): object {
  if (!amounts) return {};
  const { cpu, memory, ephemeralStorage } = amounts;
  const quantities = {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(ephemeralStorage === undefined ? {} : { "ephemeral-storage": ephemeralStorage }),
  };
  return Object.keys(quantities).length ? { [name]: quantities } : {};
}

function gates(featureGates: Readonly<Record<string, boolean>>): object {
  return Object.keys(featureGates).length ? { featureGates } : {};
}
