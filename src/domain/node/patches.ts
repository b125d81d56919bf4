/** Patches of what kubeadm writes. They are not kept in the cluster: every machine is given them again. */
import type { ClusterSpec } from "../cluster/cluster-spec.ts";

/** Not below /etc/kubernetes, which a reset empties. */
export const PATCH_DIRECTORY = "/etc/muster/node/patches";

/** Named as kubeadm sorts and reads them: `target` + ordinal + `+type`. A note keeps the directory from being empty. */
export function patchFiles(
  spec: ClusterSpec,
): readonly { readonly name: string; readonly content: string }[] {
  const patches = spec.kubeadm.patches.map(({ target, type, content }, index) => ({
    name: `${target}${index}+${type}.${/^\s*[[{]/.test(content) ? "json" : "yaml"}`,
    content,
  }));
  return [{ name: "README", content: "Patches that kubeadm applies to what it writes.\n" }, ...patches];
}
