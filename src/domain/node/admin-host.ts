/** The machine from which people work: kubectl and, with the secrets, a kubeconfig. */
import type { TextFile } from "../install/shell.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { textFile } from "./text-file.ts";

/** Completion for the login shells; kubectl itself is a download. */
export function adminFiles({ member }: NodePlanInput): readonly TextFile[] {
  if (!member.roles.includes("admin")) return [];
  return [
    textFile(
      "/etc/profile.d/muster-kubectl.sh",
      'if [ -n "${BASH_VERSION:-}" ] && command -v kubectl >/dev/null; then . /dev/stdin <<END\n$(kubectl completion bash)\nEND\nfi\n',
    ),
  ];
}
