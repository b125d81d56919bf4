/** One cluster's etcd through its JSON gateway (/v3 on the client port): any member that answers will do. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { ClusterRefusedError, ClusterUnreachableError } from "../../services/cluster/cluster-errors.ts";
import type { EtcdAccess, EtcdMember, EtcdMemberStatus } from "../../services/cluster/ports.ts";
import { etcdSnapshot } from "./etcd-snapshot.ts";
import { type ClientCredentials, connectionFault, tlsRequest } from "./tls-request.ts";

export interface EtcdClientOptions {
  /** For messages. */
  readonly cluster: string;
  /** Addresses of the members. */
  readonly addresses: readonly string[];
  readonly credentials: ClientCredentials;
  readonly port?: number;
  readonly timeoutMs?: number;
}

export const ETCD_CLIENT_PORT = 2379;
const TIMEOUT_MS = 5000;
/** A member that works answers much sooner. */
const NEXT_AFTER_MS = 500;
/** gRPC's code NOT_FOUND, which the gateway puts into its JSON. */
const GRPC_NOT_FOUND = 5;

/** The gateway writes 64-bit numbers as decimal text, and leaves out what is zero, false or empty. */
const decimal = z.string().regex(/^\d+$/).default("0");
const headerSchema = z.object({ cluster_id: decimal, member_id: decimal });
const membersSchema = z.object({
  header: headerSchema,
  members: z.array(
    z.object({
      ID: decimal,
      name: z.string().default(""),
      peerURLs: z.array(z.string()).default([]),
      clientURLs: z.array(z.string()).default([]),
      isLearner: z.boolean().default(false),
    }),
  ),
});
const statusSchema = z.object({
  header: headerSchema,
  version: z.string().default(""),
  dbSize: decimal,
  leader: decimal,
  raftIndex: decimal,
  isLearner: z.boolean().default(false),
  errors: z.array(z.string()).default([]),
});
const faultSchema = z.object({
  code: z.number().default(0),
  message: z.string().optional(),
  error: z.string().optional(),
});

type EtcdAnswer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: number; readonly code: number; readonly message: string };

/** Opens the etcd of one cluster; connects at the first call. */
export function etcdAccess(options: EtcdClientOptions): EtcdAccess {
  const { addresses, cluster } = options;
  const ask = (path: string, body: object): Promise<unknown> => askAny(options, { path, body });
  return {
    memberList: async () => {
      const { header, members } = membersSchema.parse(await askSoon(options, "/v3/cluster/member/list"));
      return { clusterId: hex(header.cluster_id), members: members.map(readMember) };
    },
    memberAdd: async (peerUrl) => {
      // Asked first: with a member announced and not started yet, etcd refuses another change for that reason alone.
      const { members } = membersSchema.parse(await ask("/v3/cluster/member/list", {}));
      if (members.some(({ peerURLs }) => peerURLs.includes(peerUrl))) return "present";
      await ask("/v3/cluster/member/add", { peerURLs: [peerUrl] });
      return "added";
    },
    memberRemove: async (id) => {
      const path = "/v3/cluster/member/remove";
      const answer = await firstAnswer(options, { path, body: { ID: BigInt(`0x${id}`).toString() } });
      if (answer.ok) return "removed";
      if (answer.code === GRPC_NOT_FOUND) return "absent";
      throw refused(cluster, answer);
    },
    moveLeader: async (toId) => {
      await moveLeader(options, toId);
    },
    status: (address) => statusAt(options, address),
    healthy: async (address) => {
      // What etcdctl does: a read that needs a quorum, of a key that need not exist.
      const body = { key: Buffer.from("health").toString("base64") };
      const answer = await askAt(options, { address, path: "/v3/kv/range", body });
      return typeof answer !== "string" && answer.ok;
    },
    snapshot: () => etcdSnapshot({ ...options, port: options.port ?? ETCD_CLIENT_PORT, addresses }),
  };
}

async function askAny(
  options: EtcdClientOptions,
  call: { readonly path: string; readonly body: object },
): Promise<unknown> {
  const answer = await firstAnswer(options, call);
  if (answer.ok) return answer.body;
  throw refused(options.cluster, answer);
}

/** Only for reading: does not wait for a member that is off before it asks the next one too. */
async function askSoon(options: EtcdClientOptions, path: string): Promise<unknown> {
  let answered = false;
  const asked = options.addresses.map(async (address, index) => {
    await delay(index * NEXT_AFTER_MS);
    if (answered) throw new TypeError("another member has answered");
    const answer = await askAt(options, { address, path, body: {} });
    if (typeof answer === "string" || !answer.ok) throw new TypeError("it does not serve");
    answered = true;
    return answer.body;
  });
  // Nobody serves: asked once more, one after the other, for a message that says why.
  return Promise.any(asked).catch(() => askAny(options, { path, body: {} }));
}

/** The first member that answers decides, a refusal included. */
async function firstAnswer(
  options: EtcdClientOptions,
  call: { readonly path: string; readonly body: object },
): Promise<EtcdAnswer> {
  const faults: string[] = [];
  for (const address of options.addresses) {
    const answer = await askAt(options, { ...call, address });
    if (typeof answer !== "string") return answer;
    faults.push(`${address} ${answer}`);
  }
  throw new ClusterUnreachableError(
    `no etcd member of cluster ${options.cluster} answers: ${faults.join("; ") || "it has none"}`,
  );
}

/** A text is why this member cannot be asked now. */
async function askAt(
  options: EtcdClientOptions,
  call: { readonly address: string; readonly path: string; readonly body: object },
): Promise<EtcdAnswer | string> {
  const { credentials, port = ETCD_CLIENT_PORT, timeoutMs = TIMEOUT_MS } = options;
  try {
    const { status, text } = await tlsRequest({
      address: call.address,
      port,
      credentials,
      method: "POST",
      path: call.path,
      body: JSON.stringify(call.body),
      timeoutMs,
    });
    if (status === 200) return { ok: true, body: JSON.parse(text) as unknown };
    const fault = faultSchema.safeParse(status === 404 && !text.startsWith("{") ? {} : JSON.parse(text));
    const { code = 0, message, error } = fault.data ?? {};
    const said = message ?? error ?? text.slice(0, 200);
    // 503 is a member without a leader; another one may have one.
    return status === 503 ? `answers ${said}` : { ok: false, status, code, message: said };
  } catch (error) {
    return connectionFault(error);
  }
}

async function statusAt(options: EtcdClientOptions, address: string): Promise<EtcdMemberStatus> {
  const answer = await askAt(options, { address, path: "/v3/maintenance/status", body: {} });
  if (typeof answer === "string") return { kind: "unreachable", endpoint: address, reason: answer };
  if (!answer.ok) return { kind: "unreachable", endpoint: address, reason: answer.message };
  const { header, version, dbSize, leader, raftIndex, isLearner, errors } = statusSchema.parse(answer.body);
  return {
    kind: "answers",
    endpoint: address,
    clusterId: hex(header.cluster_id),
    memberId: hex(header.member_id),
    ...(leader === "0" ? {} : { leaderId: hex(leader) }),
    learner: isLearner,
    version,
    dbBytes: Number(dbSize),
    raftIndex: Number(raftIndex),
    errors,
  };
}

/** Only the leader hands leadership on, so it is asked itself. */
async function moveLeader(options: EtcdClientOptions, toId: string): Promise<void> {
  const statuses = await Promise.all(options.addresses.map((address) => statusAt(options, address)));
  const leader = statuses.find((each) => each.kind === "answers" && each.memberId === each.leaderId);
  if (!leader) throw new ClusterUnreachableError(`the etcd of cluster ${options.cluster} has no leader now`);
  const answer = await askAt(options, {
    address: leader.endpoint,
    path: "/v3/maintenance/transfer-leadership",
    body: { targetID: BigInt(`0x${toId}`).toString() },
  });
  if (typeof answer === "string") throw new ClusterUnreachableError(`${leader.endpoint} ${answer}`);
  if (!answer.ok) throw refused(options.cluster, answer);
}

function readMember(member: z.output<typeof membersSchema>["members"][number]): EtcdMember {
  return {
    id: hex(member.ID),
    name: member.name,
    peerUrls: member.peerURLs,
    clientUrls: member.clientURLs,
    learner: member.isLearner,
  };
}

function refused(
  cluster: string,
  { status, message }: { readonly status: number; readonly message: string },
): ClusterRefusedError {
  return new ClusterRefusedError(`the etcd of cluster ${cluster} refuses: ${message}`, { status });
}

function hex(id: string): string {
  return BigInt(id).toString(16);
}
