/** Settings for kubelet and kube-proxy that the programs would not take. */
import { kubeletFaults, kubeProxyFaults, type SettingFault } from "./component-schemas.ts";
import { type CheckedCluster, type Finding, refuse } from "./finding.ts";

/** Fields that do not exist, and values of the wrong kind. */
export function componentFindings({ view, at }: CheckedCluster): readonly Finding[] {
  const { kubelet, kubeProxy } = view.spec;
  const say = (part: string, faults: readonly SettingFault[]): readonly Finding[] =>
    faults.map(({ field, message }) => refuse(at([part, "config", field], message)));
  return [
    ...say("kubelet", kubeletFaults(kubelet.config)),
    ...say("kubeProxy", kubeProxyFaults(kubeProxy.config)),
  ];
}
