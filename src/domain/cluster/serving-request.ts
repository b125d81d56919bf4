/** Whether a kubelet may have the serving certificate it asks for: only for the names and addresses the inventory gives it. */
import { type ClusterMember, type ClusterView, memberNamed } from "./members.ts";

/** What a request for a certificate says, and who sent it. */
export interface ServingRequest {
  /** User that the API server knows the sender as. */
  readonly username: string;
  readonly groups: readonly string[];
  readonly usages: readonly string[];
  readonly commonName: string;
  readonly organisations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  /** Names of other kinds: mail addresses, URIs. */
  readonly otherNames: number;
}

const USER = /^system:node:(.+)$/;
const USAGES = new Set(["digital signature", "key encipherment", "server auth"]);

/** Why a request is not approved; undefined when it fits the machine it comes from. */
export function objectionTo(request: ServingRequest, cluster: ClusterView): string | undefined {
  const name = USER.exec(request.username)?.[1];
  const member = name === undefined ? undefined : memberNamed(cluster, name);
  if (!member) return `${request.username} is no machine of this cluster`;
  if (!request.groups.includes("system:nodes")) return "its sender is not in the group system:nodes";
  if (request.commonName !== request.username || request.organisations.join() !== "system:nodes")
    return "its subject is not the sender's own";
  const usage = request.usages.find((each) => !USAGES.has(each));
  if (usage !== undefined || !request.usages.includes("server auth"))
    return `it is for ${usage ?? "nothing that serves"}`;
  if (request.otherNames > 0) return "it asks for names that are neither DNS names nor addresses";
  if (request.dnsNames.length + request.addresses.length === 0) return "it asks for no name at all";
  const { domain } = member.spec;
  const names = new Set([member.name, ...(domain === undefined ? [] : [`${member.name}.${domain}`])]);
  const stranger = request.dnsNames.find((each) => !names.has(each));
  if (stranger !== undefined) return `it asks for the name ${stranger}`;
  const own = addressesOf(member);
  const foreign = request.addresses.find((each) => !own.has(each));
  return foreign === undefined
    ? undefined
    : `it asks for the address ${foreign}, and the inventory knows ${[...own].join(", ")}`;
}

function addressesOf({ address, spec }: ClusterMember): ReadonlySet<string> {
  return new Set([address, ...spec.interfaces.flatMap((each) => each.address?.split("/")[0] ?? [])]);
}
