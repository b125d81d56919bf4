/** Which steps of the node script a member runs. */
import type { NodePlanInput, NodeStep } from "./plan-types.ts";
import { runsPods } from "./runs-pods.ts";

/** Steps before a turn is asked for. */
export function stepNames(input: NodePlanInput): readonly NodeStep[] {
  const runtime: readonly NodeStep[] = runsPods(input) ? ["runtime", "images"] : [];
  return ["files", "packages", "binaries", "system", ...runtime, "balancer"];
}
