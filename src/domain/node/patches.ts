/** Patches of what kubeadm writes. They are not kept in the cluster: every machine is given them again. */
import type { ClusterSpec } from "../cluster/cluster-spec.ts";
import type { Role } from "../machine-spec.ts";

/** Not below /etc/kubernetes, which a reset empties. */
export const PATCH_DIRECTORY = "/etc/muster/node/patches";

/** The one certificate that signs now; ca.crt holds two while the authorities are replaced. */
export const SIGNING_CA = "/etc/kubernetes/pki/ca-signing.crt";
const SIGNER_FLAG = "cluster-signing-cert-file";

// The controller manager signs nothing with a file of two certificates. kubeadm takes a joining machine's arguments from the
// cluster and its patches from the machine, so only a patch is there whenever the file is.
const SIGNER_PATCH = {
  name: "kube-controller-manager+json.json",
  content: `${JSON.stringify([
    { op: "add", path: "/spec/containers/0/command/-", value: `--${SIGNER_FLAG}=${SIGNING_CA}` },
  ])}\n`,
};

/** Named as kubeadm sorts and reads them: `target` + ordinal + `+type`. A note keeps the directory from being empty. */
export function patchFiles(
  spec: ClusterSpec,
  roles: readonly Role[],
): readonly { readonly name: string; readonly content: string }[] {
  const patches = spec.kubeadm.patches.map(({ target, type, content }, index) => ({
    name: `${target}${index}+${type}.${/^\s*[[{]/.test(content) ? "json" : "yaml"}`,
    content,
  }));
  const own = spec.controlPlane.controllerManager.extraArgs.some(({ name }) => name === SIGNER_FLAG);
  return [
    { name: "README", content: "Patches that kubeadm applies to what it writes.\n" },
    ...(roles.includes("control-plane") && !own ? [SIGNER_PATCH] : []),
    ...patches,
  ];
}
