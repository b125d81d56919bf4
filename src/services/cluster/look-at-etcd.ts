/** One look at a cluster's etcd: who is a member, who answers, who leads. */
import type { EtcdMemberHealth, EtcdStatus } from "../../domain/cluster/cluster-status.ts";
import { type ClusterView, etcdMembersOf } from "../../domain/cluster/members.ts";
import { attempt } from "./cluster-errors.ts";
import type { EtcdAccess, EtcdMemberStatus } from "./ports.ts";

/** Asks for the members and then each of them; never throws for an etcd that does not answer. */
export async function lookAtEtcd(etcd: EtcdAccess, cluster: ClusterView): Promise<EtcdStatus> {
  const hosts = etcdMembersOf(cluster);
  const list = await attempt(() => etcd.memberList());
  if (!list.ok)
    return { members: hosts.map(({ name }) => absent(name, "unreachable")), problem: list.problem };
  const { clusterId, members } = list.value;
  const answers = await Promise.all(
    hosts.map(async ({ name, address }) => {
      const [status, healthy] = await Promise.all([etcd.status(address), etcd.healthy(address)]);
      const member = members.find(
        (each) => each.name === name || each.peerUrls.some((url) => new URL(url).hostname === address),
      );
      return member ? memberHealth({ name, id: member.id, status, healthy }) : absent(name, "missing");
    }),
  );
  const known = new Set(answers.map(({ id }) => id));
  // Members behind which no machine stands: left over from one that is gone, they count for the quorum.
  const orphans = members.filter(({ id }) => !known.has(id));
  return {
    clusterId,
    members: [
      ...answers,
      ...orphans.map(({ id, name }) => ({ ...absent(name === "" ? id : name, "unreachable"), id })),
    ],
  };
}

function memberHealth(seen: {
  readonly name: string;
  readonly id: string;
  readonly status: EtcdMemberStatus;
  readonly healthy: boolean;
}): EtcdMemberHealth {
  const { name, id, status, healthy } = seen;
  if (status.kind === "unreachable") return { ...absent(name, "unreachable"), id };
  return {
    name,
    id,
    state: status.learner ? "learner" : healthy ? "healthy" : "unhealthy",
    leader: status.leaderId === status.memberId,
    version: status.version,
    dbBytes: status.dbBytes,
    problems: status.errors,
  };
}

function absent(name: string, state: EtcdMemberHealth["state"]): EtcdMemberHealth {
  return { name, id: "", state, leader: false, version: "", dbBytes: 0, problems: [] };
}
