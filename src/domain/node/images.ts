/** Container images that a member pulls before its turn. */
import { isNode } from "../cluster/members.ts";
import { kubeVipImages } from "./kube-vip.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { runsPods } from "./runs-pods.ts";

const CONTROL_PLANE_IMAGE = /\/(kube-apiserver|kube-controller-manager|kube-scheduler|etcd):/;

/** In the order in which kubeadm lists them. */
export function nodeImages(input: NodePlanInput): readonly string[] {
  const { member, cluster, release } = input;
  if (!isNode(member)) return runsPods(input) ? etcdImages(input) : [];
  const controlPlane = member.roles.includes("control-plane");
  const { repository } = cluster.spec.images;
  const ours = release.images
    .filter((image) => controlPlane || !CONTROL_PLANE_IMAGE.test(image))
    .filter((image) => cluster.spec.etcd.topology === "stacked" || !image.includes("/etcd:"))
    .filter((image) => !cluster.spec.kubeProxy.disabled || !image.includes("/kube-proxy:"))
    .map((image) => ownRepository(image, repository));
  return controlPlane ? [...ours, ...kubeVipImages(cluster.spec)] : ours;
}

/** What etcd as a static pod needs on a host without Kubernetes. */
function etcdImages({ cluster, release }: NodePlanInput): readonly string[] {
  return release.images
    .filter((image) => /\/(etcd|pause):/.test(image))
    .map((image) => ownRepository(image, cluster.spec.images.repository));
}

/** Kubeadm looks for CoreDNS directly below a repository of one's own. */
export function ownRepository(image: string, repository: string): string {
  if (repository === "registry.k8s.io") return image;
  return image.replace(/^registry\.k8s\.io\/(coredns\/)?/, `${repository}/`);
}
