/** Which steps of the node script a member runs. */
import { isNode } from "../cluster/members.ts";
import type { NodePlanInput, NodeStep } from "./plan-types.ts";

/** Steps before a turn is asked for. */
export function stepNames({ member }: NodePlanInput): readonly NodeStep[] {
  const runtime: readonly NodeStep[] = isNode(member) ? ["runtime", "images"] : [];
  return ["files", "packages", "binaries", "system", ...runtime, "balancer"];
}
