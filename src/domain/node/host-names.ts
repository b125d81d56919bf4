/** Lines of /etc/hosts: every member, the endpoint, and what a person added. */
import { membersWith } from "../cluster/members.ts";
import type { NodePlanInput } from "./plan-types.ts";

/** One line per address, members by name; the endpoint's name comes after them. */
export function hostLines({ cluster }: Pick<NodePlanInput, "cluster">): string {
  const { endpoint, node, registry } = cluster.spec;
  const registries = new Set(membersWith(cluster, "registry").map(({ name }) => name));
  const lines = [
    ...cluster.members.map((member) =>
      line(member.address, [
        ...(member.spec.domain ? [`${member.name}.${member.spec.domain}`] : []),
        member.name,
        ...(registry.name !== undefined && registries.has(member.name) ? [registry.name] : []),
      ]),
    ),
    ...(endpoint?.name ? [line(endpoint.address, [endpoint.name])] : []),
    ...node.hosts.map(({ address, names }) => line(address, names)),
  ];
  return lines.join("");
}

function line(address: string, names: readonly string[]): string {
  return `${address} ${[...new Set(names)].join(" ")}\n`;
}
