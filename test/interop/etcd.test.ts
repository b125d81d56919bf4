/**
 * A real etcd, three members, on certificates that the appliance made: whether the etcd client and these certificates are what
 * it takes. The release that clusters get where it is compiled, otherwise Debian's.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../src/adapters/host/system-clock.ts";
import { clusterAccess } from "../../src/adapters/kubernetes/cluster-access.ts";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import type { ClusterPki } from "../../src/services/cluster/cluster-pki.ts";
import { secretFilesOf } from "../../src/services/cluster/pki-files.ts";
import type { EtcdAccess } from "../../src/services/cluster/ports.ts";
import { aClusterPki } from "../support/cluster-pki.ts";
import { aCluster, aMember } from "../support/clusters.ts";
import { compiledPrograms } from "../support/compiled-program.ts";

const compiled = compiledPrograms("etcd", "etcdctl", "etcdutl");
// In Debian's release etcdctl still restores snapshots itself.
const programs =
  compiled.skip === false ? compiled.paths : { etcd: "etcd", etcdctl: "etcdctl", etcdutl: "etcdctl" };
const missing = ["etcd", "etcdctl"].filter((program) => spawnSync("which", [program]).status !== 0);
const skip =
  compiled.skip !== false &&
  missing.length > 0 &&
  `needs ${missing.join(" and ")}: apt-get install etcd-server etcd-client`;

/** Each member of each run has a loopback address of its own, so the usual ports are free. */
const NETWORK = `127.42.${process.pid & 255}`;
const HOSTS = [1, 2, 3].map((host) => ({ name: `etcd${host}`, address: `${NETWORK}.${host}` }));
const running = new Map<string, ChildProcess>();
let directory: string;
let pki: ClusterPki;
let cluster: ClusterView;
let etcd: EtcdAccess;

before(async () => {
  if (skip !== false) return;
  directory = await mkdtemp(join(tmpdir(), "muster-etcd-"));
  ({ pki } = await aClusterPki({ directory, clock: systemClock }));
  cluster = aCluster({
    spec: { etcd: { topology: "external" } },
    members: HOSTS.map(({ name, address }, index) =>
      aMember(name, { roles: ["etcd"], host: index + 30, address }),
    ),
  });
  for (const { name } of HOSTS) await startMember(name);
  etcd = await clusterAccess({ pki, clock: systemClock }).etcd(cluster);
  await until(async () =>
    (await Promise.all(HOSTS.map(({ address }) => etcd.healthy(address)))).every(Boolean),
  );
});

after(async () => {
  for (const member of running.values()) member.kill("SIGKILL");
  if (skip === false) await rm(directory, { recursive: true });
});

async function startMember(name: string): Promise<void> {
  const member = cluster.members.find((each) => each.name === name)!;
  const own = join(directory, name);
  await mkdir(own, { recursive: true });
  for (const { path, mode, content } of await secretFilesOf(pki, { cluster, member }))
    await writeFile(join(own, basename(path)), content, { mode });
  const { address } = member;
  const peers = HOSTS.map((each) => `${each.name}=https://${each.address}:2380`).join(",");
  const child = spawn(
    programs.etcd,
    [
      ...["--name", name, "--data-dir", join(own, "data"), "--initial-cluster", peers],
      ...[
        "--listen-client-urls",
        `https://${address}:2379`,
        "--advertise-client-urls",
        `https://${address}:2379`,
      ],
      ...[
        "--listen-peer-urls",
        `https://${address}:2380`,
        "--initial-advertise-peer-urls",
        `https://${address}:2380`,
      ],
      ...["--client-cert-auth", "--trusted-ca-file", join(own, "ca.crt")],
      ...["--cert-file", join(own, "server.crt"), "--key-file", join(own, "server.key")],
      ...["--peer-client-cert-auth", "--peer-trusted-ca-file", join(own, "ca.crt")],
      ...["--peer-cert-file", join(own, "peer.crt"), "--peer-key-file", join(own, "peer.key")],
    ],
    { stdio: "ignore", env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch } },
  );
  running.set(name, child);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt++) {
    if (await holds()) return;
    await pause(500);
  }
  assert.fail("did not happen within a minute");
}

test("S4-13 three members answer with one cluster id, one leader, and their names", { skip }, async () => {
  const { clusterId, members } = await etcd.memberList();
  assert.match(clusterId, /^[0-9a-f]+$/);
  assert.deepEqual(
    members
      .map(({ name, clientUrls, learner }) => ({ name, clientUrls, learner }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    HOSTS.map(({ name, address }) => ({ name, clientUrls: [`https://${address}:2379`], learner: false })),
  );
  const statuses = await Promise.all(HOSTS.map(({ address }) => etcd.status(address)));
  const answers = statuses.flatMap((each) => (each.kind === "answers" ? [each] : []));
  assert.equal(answers.length, 3);
  assert.deepEqual(new Set(answers.map((each) => each.clusterId)), new Set([clusterId]));
  assert.equal(new Set(answers.map((each) => each.leaderId)).size, 1);
  const ids = etcdctl(HOSTS[0]!.name, "member", "list")
    .split("\n")
    .map((line) => line.split(",")[0]);
  assert.deepEqual(new Set(members.map(({ id }) => id)), new Set(ids.filter(Boolean)));
});

test("leadership is handed to the member that is named", { skip }, async () => {
  const { members } = await etcd.memberList();
  const leader = async (): Promise<string | undefined> => {
    const status = await etcd.status(HOSTS[0]!.address);
    return status.kind === "answers" ? status.leaderId : undefined;
  };
  const before = await leader();
  const target = members.find(({ id }) => id !== before)!;
  await etcd.moveLeader(target.id);
  await until(async () => (await leader()) === target.id);
});

test("S0-17 S2-31 a snapshot is what etcd's own program restores, with everything that was in it", {
  skip,
}, async () => {
  const [first] = HOSTS;
  etcdctl(first!.name, "put", "fruit", "quince");
  const pieces: Uint8Array[] = [];
  for await (const piece of await etcd.snapshot()) pieces.push(piece);
  const file = join(directory, "snapshot.db");
  await writeFile(file, Buffer.concat(pieces));
  etcdctl(first!.name, "put", "fruit", "medlar");
  const data = join(directory, "restored");
  const url = `http://${NETWORK}.9:2379`;
  const peer = `http://${NETWORK}.9:2380`;
  const cluster = ["--name", "r", "--initial-cluster", `r=${peer}`, "--initial-advertise-peer-urls", peer];
  const env = { ...process.env, ETCDCTL_API: "3" };
  execFileSync(programs.etcdutl, ["snapshot", "restore", file, "--data-dir", data, ...cluster], {
    env,
    stdio: "pipe",
  });
  const listen = ["--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer];
  const restored = spawn(programs.etcd, ["--data-dir", data, ...cluster, ...listen], { stdio: "ignore" });
  running.set("restored", restored);
  const read = (): string =>
    spawnSync(programs.etcdctl, ["--endpoints", url, "get", "fruit", "--print-value-only"], {
      encoding: "utf8",
      env,
    }).stdout;
  await until(() => Promise.resolve(read() === "quince\n"));
});

test("a dead member is unreachable, the others go on, and removing it twice finds it absent", {
  skip,
}, async () => {
  const [dead] = HOSTS.slice(-1);
  const child = running.get(dead!.name)!;
  child.kill("SIGKILL");
  await once(child, "exit");
  const status = await etcd.status(dead!.address);
  assert.equal(status.kind, "unreachable");
  assert.equal(await etcd.healthy(dead!.address), false);
  const { members } = await etcd.memberList();
  const member = members.find(({ name }) => name === dead!.name)!;
  await until(async () => etcd.healthy(HOSTS[0]!.address));
  assert.equal(await etcd.memberRemove(member.id), "removed");
  assert.equal(await etcd.memberRemove(member.id), "absent");
  assert.equal((await etcd.memberList()).members.length, 2);
  const peerUrl = `https://${dead!.address}:2380`;
  await until(async () => (await etcd.memberAdd(peerUrl).catch(() => "not yet")) === "added");
  assert.equal(await etcd.memberAdd(peerUrl), "present");
  const added = (await etcd.memberList()).members.find(({ peerUrls }) => peerUrls.includes(peerUrl))!;
  assert.equal(added.name, "");
});

test("S4-10 S4-12 without a client certificate of this cluster's authority etcd says nothing", {
  skip,
}, async () => {
  const stranger = await aClusterPki({ directory: join(directory, "stranger"), clock: systemClock });
  const strange = await clusterAccess({ pki: stranger.pki, clock: systemClock }).etcd(cluster);
  await assert.rejects(strange.memberList(), { name: "ClusterUnreachableError" });
  const ca = join(directory, HOSTS[0]!.name, "ca.crt");
  const bare = spawnSync("curl", [
    "-s",
    "-m",
    "5",
    "--cacert",
    ca,
    `https://${HOSTS[0]!.address}:2379/v3/maintenance/status`,
    "-d",
    "{}",
  ]);
  assert.notEqual(bare.status, 0);
  assert.ok((await readFile(ca, "utf8")).includes("BEGIN CERTIFICATE"));
});

function etcdctl(host: string, ...args: readonly string[]): string {
  const own = join(directory, host);
  const { address } = HOSTS.find(({ name }) => name === host)!;
  const files = ["--cacert", join(own, "ca.crt"), "--cert", join(own, "healthcheck-client.crt")];
  return execFileSync(
    programs.etcdctl,
    [
      "--endpoints",
      `https://${address}:2379`,
      ...files,
      "--key",
      join(own, "healthcheck-client.key"),
      ...args,
    ],
    { encoding: "utf8", stdio: "pipe", env: { ...process.env, ETCDCTL_API: "3" } },
  );
}
