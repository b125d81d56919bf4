/** kubeadm's configuration (v1beta4) of one member: what `kubeadm init` and `kubeadm join` read. */
import type { ComponentSpec, ExtraArg } from "../cluster/cluster-fields.ts";
import { apiEndpointOf, type ClusterMember, etcdMembersOf, membersWith } from "../cluster/members.ts";
import { RenderError } from "../errors.ts";
import { kubeletConfiguration, kubeProxyConfiguration } from "./component-config.ts";
import { kubeletLabels, registrationTaints } from "./labels-taints.ts";
import { PATCH_DIRECTORY } from "./patches.ts";
import type { NodePlanInput } from "./plan-types.ts";

const KUBEADM = "kubeadm.k8s.io/v1beta4";
export const CRI_SOCKET = "unix:///run/containerd/containerd.sock";
const PKI = "/etc/kubernetes/pki";
/** Stands for the token of a turn, which is never part of a plan. */
export const TOKEN = "@TOKEN@";

/** InitConfiguration, ClusterConfiguration, KubeletConfiguration and KubeProxyConfiguration. */
export function initDocuments(input: NodePlanInput): readonly object[] {
  return [
    {
      apiVersion: KUBEADM,
      kind: "InitConfiguration",
      // Without one of ours kubeadm would make its own, valid for a day.
      bootstrapTokens: [
        {
          token: TOKEN,
          ttl: "30m0s",
          usages: ["signing", "authentication"],
          groups: ["system:bootstrappers:kubeadm:default-node-token"],
          description: "first token, deleted when the cluster is there",
        },
      ],
      localAPIEndpoint: localEndpoint(input),
      nodeRegistration: nodeRegistration(input),
      ...phases(input),
      patches: { directory: PATCH_DIRECTORY },
      timeouts: input.cluster.spec.kubeadm.timeouts,
    },
    clusterConfiguration(input),
    kubeletConfiguration(input),
    kubeProxyConfiguration(input),
  ];
}

/** JoinConfiguration. */
export function joinDocuments(input: NodePlanInput): readonly object[] {
  const { member, cluster, pki } = input;
  return [
    {
      apiVersion: KUBEADM,
      kind: "JoinConfiguration",
      discovery: {
        bootstrapToken: {
          token: TOKEN,
          apiServerEndpoint: endpointText(input),
          caCertHashes: pki.caHashes,
        },
      },
      ...(member.roles.includes("control-plane")
        ? { controlPlane: { localAPIEndpoint: localEndpoint(input) } }
        : {}),
      nodeRegistration: nodeRegistration(input),
      ...phases(input),
      patches: { directory: PATCH_DIRECTORY },
      timeouts: cluster.spec.kubeadm.timeouts,
    },
  ];
}

function phases({ cluster }: NodePlanInput): object {
  const { skipPhases } = cluster.spec.kubeadm;
  return skipPhases.length ? { skipPhases } : {};
}

function localEndpoint({ member, cluster }: NodePlanInput): object {
  return { advertiseAddress: member.address, bindPort: cluster.spec.apiPort };
}

function endpointText({ cluster }: NodePlanInput): string {
  const endpoint = apiEndpointOf(cluster);
  if (!endpoint) throw new RenderError(`cluster ${cluster.name} has no endpoint`);
  return `${endpoint.name ?? endpoint.address}:${endpoint.port}`;
}

function nodeRegistration({ member, cluster }: NodePlanInput): object {
  const labels = Object.entries(kubeletLabels(member, cluster)).map(([key, value]) => `${key}=${value}`);
  const taints = registrationTaints(member, cluster);
  const { ignorePreflightErrors } = cluster.spec.kubeadm;
  return {
    name: member.name,
    criSocket: CRI_SOCKET,
    imagePullPolicy: "IfNotPresent",
    ...(taints ? { taints: taints.map(taintObject) } : {}),
    kubeletExtraArgs: [
      // Machines with several networks would otherwise pick one by themselves.
      { name: "node-ip", value: member.address },
      ...(labels.length ? [{ name: "node-labels", value: labels.join(",") }] : []),
      ...cluster.spec.kubelet.extraArgs,
    ],
    ...(ignorePreflightErrors.length ? { ignorePreflightErrors } : {}),
  };
}

function taintObject({ key, value, effect }: { key: string; value: string; effect: string }): object {
  return { key, ...(value ? { value } : {}), effect };
}

function clusterConfiguration(input: NodePlanInput): object {
  const { cluster, release } = input;
  const { spec } = cluster;
  const { network, controlPlane, pki } = spec;
  const gates = featureGates(controlPlane.featureGates);
  return {
    apiVersion: KUBEADM,
    kind: "ClusterConfiguration",
    clusterName: cluster.name,
    kubernetesVersion: `v${release.version}`,
    controlPlaneEndpoint: endpointText(input),
    ...(spec.images.repository === "registry.k8s.io" ? {} : { imageRepository: spec.images.repository }),
    networking: {
      podSubnet: network.podCIDR,
      serviceSubnet: network.serviceCIDR,
      dnsDomain: network.dnsDomain,
    },
    apiServer: {
      certSANs: certificateNames(input),
      ...component(controlPlane.apiServer, [
        ...gates,
        ...(network.nodePortRange ? [{ name: "service-node-port-range", value: network.nodePortRange }] : []),
      ]),
    },
    controllerManager: component(controlPlane.controllerManager, [
      ...gates,
      ...(network.nodePrefix === 24
        ? []
        : [{ name: "node-cidr-mask-size", value: String(network.nodePrefix) }]),
    ]),
    scheduler: component(controlPlane.scheduler, gates),
    etcd: etcdConfiguration(input),
    certificateValidityPeriod: `${pki.certificateValidityDays * 24}h0m0s`,
    caCertificateValidityPeriod: `${pki.caValidityDays * 24}h0m0s`,
    encryptionAlgorithm: pki.keyAlgorithm,
    ...(Object.keys(spec.kubeadm.featureGates).length ? { featureGates: spec.kubeadm.featureGates } : {}),
    ...(spec.kubeProxy.disabled ? { proxy: { disabled: true } } : {}),
  };
}

function component(settings: ComponentSpec, ours: readonly ExtraArg[]): object {
  const extraArgs = [...ours, ...settings.extraArgs];
  return {
    ...(extraArgs.length ? { extraArgs } : {}),
    ...(settings.extraVolumes.length ? { extraVolumes: settings.extraVolumes } : {}),
  };
}

function featureGates(gates: Readonly<Record<string, boolean>>): readonly ExtraArg[] {
  const value = Object.entries(gates)
    .map(([name, on]) => `${name}=${String(on)}`)
    .join(",");
  return value ? [{ name: "feature-gates", value }] : [];
}

/** Every name and address by which somebody may reach any of the API servers. */
function certificateNames({ cluster }: NodePlanInput): readonly string[] {
  const { endpoint, controlPlane } = cluster.spec;
  const members = membersWith(cluster, "control-plane");
  const names = [
    ...(endpoint ? [endpoint.address, ...(endpoint.name ? [endpoint.name] : [])] : []),
    ...members.flatMap((member) => [member.address, ...memberNames(member)]),
    ...controlPlane.certSANs,
    "127.0.0.1",
    "localhost",
  ];
  return [...new Set(names)];
}

function memberNames({ name, spec }: ClusterMember): readonly string[] {
  return spec.domain ? [name, `${name}.${spec.domain}`] : [name];
}

function etcdConfiguration({ cluster }: NodePlanInput): object {
  const { etcd } = cluster.spec;
  if (etcd.topology === "stacked") {
    return {
      local: { dataDir: etcd.dataDir, ...(etcd.extraArgs.length ? { extraArgs: etcd.extraArgs } : {}) },
    };
  }
  return {
    external: {
      endpoints: etcdMembersOf(cluster).map(({ address }) => `https://${address}:2379`),
      caFile: `${PKI}/etcd/ca.crt`,
      certFile: `${PKI}/apiserver-etcd-client.crt`,
      keyFile: `${PKI}/apiserver-etcd-client.key`,
    },
  };
}
