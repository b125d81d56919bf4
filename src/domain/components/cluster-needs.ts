/** What the members of a cluster take from upstreams: derived from the cluster's own description. */
import type { ClusterSpec } from "../cluster/cluster-spec.ts";
import { type ClusterMember, type ClusterView, isNode } from "../cluster/members.ts";
import {
  type ComponentArchitecture,
  type ComponentFile,
  type ComponentSources,
  componentFiles,
} from "./component-files.ts";
import type { KubernetesRelease } from "./kubernetes-release.ts";

/** Which files one member needs, by its roles and the cluster's settings. */
export function sourcesOf(spec: ClusterSpec, member: Pick<ClusterMember, "roles">): ComponentSources {
  const { containerd, crictl } = spec.runtime;
  const external = spec.etcd.topology === "external" && member.roles.includes("etcd");
  const kubelet = isNode(member) || (external && spec.etcd.deployment === "static-pod");
  const kubectl = isNode(member) || member.roles.includes("admin");
  return {
    kubernetes: [
      ...(kubelet ? (["kubeadm", "kubelet"] as const) : []),
      ...(kubectl ? (["kubectl"] as const) : []),
    ],
    containerd:
      containerd.source === "debian"
        ? { from: "debian" }
        : { from: "release", ...(containerd.version !== undefined && { version: containerd.version }) },
    crictl: kubelet ? crictl : false,
    etcd: external && spec.etcd.deployment === "systemd" ? (spec.etcd.version ?? true) : false,
  };
}

/** What one architecture's members need altogether. */
export interface ArchitectureNeed {
  readonly architecture: ComponentArchitecture;
  readonly files: readonly ComponentFile[];
}

/** The files that a cluster's members need, each once, by architecture. */
export function clusterFiles(view: ClusterView, release: KubernetesRelease): readonly ArchitectureNeed[] {
  const byArchitecture = new Map<ComponentArchitecture, Map<string, ComponentFile>>();
  for (const member of view.members) {
    const arch = member.spec.os.architecture;
    const files = byArchitecture.get(arch) ?? new Map<string, ComponentFile>();
    byArchitecture.set(arch, files);
    for (const file of componentFiles(release, { arch, sources: sourcesOf(view.spec, member) })) {
      files.set(file.path, file);
    }
  }
  return [...byArchitecture].map(([architecture, files]) => ({ architecture, files: [...files.values()] }));
}
