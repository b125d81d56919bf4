/** Container images that a member pulls before its turn. */
import { isNode } from "../cluster/members.ts";
import type { NodePlanInput } from "./plan-types.ts";

const CONTROL_PLANE_IMAGE = /\/(kube-apiserver|kube-controller-manager|kube-scheduler|etcd):/;

/** In the order in which kubeadm lists them. */
export function nodeImages({ member, cluster, release }: NodePlanInput): readonly string[] {
  if (!isNode(member)) return [];
  const controlPlane = member.roles.includes("control-plane");
  const { repository } = cluster.spec.images;
  return release.images
    .filter((image) => controlPlane || !CONTROL_PLANE_IMAGE.test(image))
    .filter((image) => cluster.spec.etcd.topology === "stacked" || !image.includes("/etcd:"))
    .filter((image) => !cluster.spec.kubeProxy.disabled || !image.includes("/kube-proxy:"))
    .map((image) => ownRepository(image, repository));
}

/** Kubeadm looks for CoreDNS directly below a repository of one's own. */
export function ownRepository(image: string, repository: string): string {
  if (repository === "registry.k8s.io") return image;
  return image.replace(/^registry\.k8s\.io\/(coredns\/)?/, `${repository}/`);
}
