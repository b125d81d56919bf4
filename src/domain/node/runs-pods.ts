/** Which members run containers. */
import { isNode } from "../cluster/members.ts";
import type { NodePlanInput } from "./plan-types.ts";

/** Whether containers run here: on every node, and where etcd is a static pod. */
export function runsPods({ member, cluster }: Pick<NodePlanInput, "member" | "cluster">): boolean {
  const { topology, deployment } = cluster.spec.etcd;
  const etcdPod = topology === "external" && deployment === "static-pod" && member.roles.includes("etcd");
  return isNode(member) || etcdPod;
}
