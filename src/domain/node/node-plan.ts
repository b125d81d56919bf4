/**
 * Everything that a machine is given to become a member of its cluster, as one value: what is known about the cluster in,
 * files and lists out. The payload (src/services/node) is packed from it and from the scripts in boot-templates/node.
 */
import { apiEndpointOf, isNode } from "../cluster/members.ts";
import { sourcesOf } from "../components/cluster-needs.ts";
import { type ComponentFile, componentFiles } from "../components/component-files.ts";
import { RenderError } from "../errors.ts";
import type { TextFile } from "../install/shell.ts";
import { adminFiles } from "./admin-host.ts";
import { balancerFiles } from "./balancer-files.ts";
import { externalEtcdFiles, externalEtcdPlanFiles } from "./external-etcd.ts";
import { firewallFiles } from "./firewall.ts";
import { hostLines } from "./host-names.ts";
import { nodeImages } from "./images.ts";
import { kernelModules, kernelParameters } from "./kernel.ts";
import { kubeVipPod } from "./kube-vip.ts";
import { initDocuments, joinDocuments } from "./kubeadm-config.ts";
import { kubeletFiles } from "./kubelet-unit.ts";
import { nodePackages } from "./packages.ts";
import { patchFiles } from "./patches.ts";
import { planSettings } from "./plan-settings.ts";
import { type NodePlan, type NodePlanInput, PLAN_DIRECTORY } from "./plan-types.ts";
import { registryHostFiles } from "./registry-host.ts";
import { routedConflist } from "./routed-network.ts";
import { runtimeFiles } from "./runtime-files.ts";
import { stepNames } from "./steps.ts";
import { diskLines, systemFiles } from "./system-files.ts";
import { yamlDocuments, yamlText } from "./yaml-text.ts";
import { dnsFiles, zoneFiles } from "./zones.ts";

/**
 * The plan of one member.
 * @throws RenderError when the cluster has no endpoint, or holds settings that no program would take.
 */
export function planNode(input: NodePlanInput): NodePlan {
  const { member, cluster } = input;
  if (isNode(member) && !apiEndpointOf(cluster))
    throw new RenderError(
      `cluster ${cluster.name} has several control planes and no endpoint: give it one (endpoint.address)`,
    );
  if (isNode(member) && member.roles.includes("etcd") && cluster.spec.etcd.topology === "external")
    throw new RenderError(
      `${member.name} cannot run an external etcd beside Kubernetes: give the role etcd machines of its own, or let etcd.topology be stacked`,
    );
  const lists = {
    packages: nodePackages(input),
    downloads: downloadsOf(input),
    modules: kernelModules(input),
    sysctls: kernelParameters(input),
    images: nodeImages(input),
  };
  return {
    name: member.name,
    cluster: cluster.name,
    steps: stepNames(input),
    settings: planSettings(input, lists),
    files: systemFilesOf(input, lists),
    planFiles: planFilesOf(input),
    ...lists,
  };
}

function downloadsOf({ member, cluster, release }: NodePlanInput): readonly ComponentFile[] {
  return componentFiles(release, {
    arch: member.spec.os.architecture,
    sources: sourcesOf(cluster.spec, member),
  });
}

function systemFilesOf(input: NodePlanInput, lists: Pick<NodePlan, "modules" | "sysctls">): TextFile[] {
  return [
    ...systemFiles(input, lists),
    ...firewallFiles(input),
    ...runtimeFiles(input),
    ...kubeletFiles(input),
    ...externalEtcdFiles(input),
    ...balancerFiles(input),
    ...dnsFiles(input),
    ...registryHostFiles(input),
    ...adminFiles(input),
  ];
}

function planFilesOf(input: NodePlanInput): TextFile[] {
  const { member, cluster } = input;
  const at = (name: string, content: string): TextFile => ({
    path: `${PLAN_DIRECTORY}/${name}`,
    mode: "0644",
    content,
  });
  const node = isNode(member);
  const controlPlane = member.roles.includes("control-plane");
  const vip = kubeVipPod(input);
  const disks = diskLines(member.spec);
  return [
    at("hosts", hostLines(input)),
    ...(controlPlane ? [at("kubeadm-init.yaml", yamlDocuments(initDocuments(input)))] : []),
    ...(node ? [at("kubeadm-join.yaml", yamlDocuments(joinDocuments(input)))] : []),
    ...(node
      ? patchFiles(cluster.spec, member.roles).map(({ name, content }) => at(`patches/${name}`, content))
      : []),
    ...(node && cluster.spec.network.cni === "routed"
      ? [at("10-muster.conflist", routedConflist(cluster.spec))]
      : []),
    ...(vip ? [at("kube-vip.yaml", yamlText(vip))] : []),
    ...externalEtcdPlanFiles(input).map(({ name, content }) => at(name, content)),
    ...(disks ? [at("disks", disks)] : []),
    ...zoneFiles(input).map(({ name, content }) => at(`zones/${name}`, content)),
  ];
}
