/** Takes what a machine left in a cluster out of it: its etcd member first, then its Node (kubernetes.md 2.7). */
import { type ClusterMember, type ClusterView, etcdMembersOf } from "../../domain/cluster/members.ts";
import { MusterError } from "../../domain/errors.ts";
import type { ClusterAccess, EtcdAccess, EtcdMember } from "./ports.ts";

/**
 * Removes the machine's etcd member and its Node; what is not there is fine.
 * @returns why it cannot be done now, undefined when nothing of the machine is left.
 */
export async function removeRemnants(
  access: ClusterAccess,
  cluster: ClusterView,
  member: ClusterMember,
): Promise<string | undefined> {
  try {
    if (etcdMembersOf(cluster).some(({ name }) => name === member.name)) {
      await removeEtcdMember(await access.etcd(cluster), member);
    }
    const kubernetes = await access.kubernetes(cluster);
    await kubernetes.deleteNode(member.name);
    return undefined;
  } catch (error) {
    if (error instanceof MusterError) return error.message;
    throw error;
  }
}

async function removeEtcdMember(etcd: EtcdAccess, member: ClusterMember): Promise<void> {
  const { members } = await etcd.memberList();
  const own = etcdMemberOf(members, member);
  if (own) await etcd.memberRemove(own.id);
}

/** The etcd member of a machine: by its name, or by its peer address while it has not started. */
export function etcdMemberOf(
  members: readonly EtcdMember[],
  { name, address }: Pick<ClusterMember, "name" | "address">,
): EtcdMember | undefined {
  return (
    members.find((each) => each.name === name) ??
    members.find(({ peerUrls }) => peerUrls.some((url) => new URL(url).hostname === address))
  );
}
