/**
 * The cluster as a person would script it who knows every machine beforehand: packages, programs and images everywhere at
 * once, then the balancers, one init, the joins in a fixed order, the routes. It is what the appliance's time is measured against.
 */
import type { ClusterBed } from "./bed.ts";
import { balancerScript, initScript, joinScript, networkScript, prepareScript } from "./hand-scripts.ts";
import { addressOf, type LabMember, VIP } from "./lab-cluster.ts";
import type { ClusterMachine } from "./machine.ts";

const MINUTES = 15;

/** Builds the cluster of machines that are on; tells each stage as it is reached. */
export async function buildByHand(
  bed: ClusterBed,
  all: readonly LabMember[],
  reached: (stage: string) => void,
): Promise<void> {
  const controlPlanes = all.filter(({ roles }) => roles.includes("control-plane"));
  const workers = all.filter(({ roles }) => !roles.includes("control-plane"));
  const on = (member: LabMember): ClusterMachine => bed.machine(member.name);
  const run = (member: LabMember, script: string): Promise<string> =>
    on(member).must(script, { timeout: MINUTES * 60_000 });
  await Promise.all(all.map((member) => run(member, prepareScript(member))));
  reached("programs and images on every machine");
  await Promise.all(
    controlPlanes.map((member, index) => run(member, balancerScript(member, controlPlanes, 101 - index))),
  );
  reached("haproxy and keepalived");
  const [first, ...others] = controlPlanes;
  if (!first) throw new RangeError("a cluster needs a control plane");
  const hash = /sha256:[0-9a-f]{64}/.exec(await run(first, initScript(first, VIP)))?.[0] ?? "";
  reached("kubeadm init");
  for (const member of others) await run(member, joinScript(member, { endpoint: VIP, hash }));
  reached("control planes joined");
  await Promise.all(workers.map((member) => run(member, joinScript(member, { endpoint: VIP, hash }))));
  reached("workers joined");
  const ranges = await podRanges(on(first), all);
  await Promise.all(all.map((member) => run(member, networkScript(member, ranges))));
  const kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf";
  await run(first, `${kubectl} wait --for=condition=Ready node --all --timeout=300s`);
  reached("all nodes Ready");
  await run(first, `${kubectl} -n kube-system rollout status deployment/coredns --timeout=300s`);
  reached("CoreDNS serving");
}

/** Each node's part of the pod network, and the address behind which it is. */
async function podRanges(
  machine: ClusterMachine,
  all: readonly LabMember[],
): Promise<ReadonlyMap<string, { readonly range: string; readonly address: string }>> {
  const fields = '{range .items[*]}{.metadata.name} {.spec.podCIDR}{"\\n"}{end}';
  const kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf";
  await machine.must(`${kubectl} wait --for=jsonpath='{.spec.podCIDR}' node --all --timeout=120s`, {
    timeout: 150_000,
  });
  const list = await machine.must(
    `kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes -o jsonpath='${fields}'`,
  );
  const ranges = new Map(list.split("\n").map((line) => line.split(" ") as [string, string]));
  return new Map(
    all.map((member) => [member.name, { range: ranges.get(member.name) ?? "", address: addressOf(member) }]),
  );
}
