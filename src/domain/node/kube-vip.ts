/** kube-vip as a static pod: the endpoint's address moves between control planes by ARP, without a balancer. */
import type { ClusterSpec } from "../cluster/cluster-spec.ts";
import type { NodePlanInput } from "./plan-types.ts";

/** The release whose module and image are both to be had and that the cluster tests run. */
export const KUBE_VIP_IMAGE = "ghcr.io/kube-vip/kube-vip:v0.9.1";

/** kube-vip's image where the endpoint is its own, nothing elsewhere. */
export function kubeVipImages({ endpoint }: Pick<ClusterSpec, "endpoint">): readonly string[] {
  return endpoint?.provider === "kube-vip" ? [KUBE_VIP_IMAGE] : [];
}

/**
 * The pod, with `@INTERFACE@` and `@KUBECONFIG@` to be filled in on the machine: on the one that initialises,
 * admin.conf has no rights before init ends. Undefined where kube-vip is not wanted.
 */
export function kubeVipPod({ member, cluster }: NodePlanInput): object | undefined {
  const { endpoint } = cluster.spec;
  if (endpoint?.provider !== "kube-vip" || !member.roles.includes("control-plane")) return undefined;
  const env = {
    vip_arp: "true",
    address: endpoint.address,
    port: String(endpoint.port),
    vip_interface: "@INTERFACE@",
    vip_subnet: "32",
    cp_enable: "true",
    cp_namespace: "kube-system",
    vip_leaderelection: "true",
    vip_leasename: "plndr-cp-lock",
    vip_leaseduration: "5",
    vip_renewdeadline: "3",
    vip_retryperiod: "1",
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "kube-vip", namespace: "kube-system" },
    spec: {
      hostNetwork: true,
      hostAliases: [{ ip: "127.0.0.1", hostnames: ["kubernetes"] }],
      containers: [
        {
          name: "kube-vip",
          image: KUBE_VIP_IMAGE,
          imagePullPolicy: "IfNotPresent",
          args: ["manager"],
          env: Object.entries(env).map(([name, value]) => ({ name, value })),
          securityContext: { capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] } },
          volumeMounts: [{ name: "kubeconfig", mountPath: "/etc/kubernetes/admin.conf", readOnly: true }],
        },
      ],
      volumes: [{ name: "kubeconfig", hostPath: { path: "/etc/kubernetes/@KUBECONFIG@", type: "File" } }],
    },
  };
}
