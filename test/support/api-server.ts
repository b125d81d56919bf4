/**
 * A real API server on a real etcd, without a single node: enough to tell whether objects are accepted. Certificates by the
 * appliance's own authorities.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../src/adapters/host/system-clock.ts";
import { clusterAccess } from "../../src/adapters/kubernetes/cluster-access.ts";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import { secretFilesOf } from "../../src/services/cluster/pki-files.ts";
import type { KubernetesAccess } from "../../src/services/cluster/ports.ts";
import { aClusterPki } from "./cluster-pki.ts";
import { execute } from "./netns.ts";

/** On loopback, and nobody else's. */
const PKI = "/etc/kubernetes/pki/";

export interface ApiServerOptions {
  /** A cluster of one control plane; its address is where the server listens, a loopback address of the test's own. */
  readonly cluster: ClusterView;
  /** Directories of the compiled programs. */
  readonly kubernetes: string;
  readonly etcd: string;
}

export class ApiServer {
  readonly access: KubernetesAccess;
  readonly #directory: string;
  readonly #children: readonly ChildProcess[];

  private constructor(access: KubernetesAccess, directory: string, children: readonly ChildProcess[]) {
    this.access = access;
    this.#directory = directory;
    this.#children = children;
  }

  /** Starts both programs and waits until the server is ready. @throws Error with what it said when it is not within two minutes */
  static async start({ cluster, kubernetes, etcd }: ApiServerOptions): Promise<ApiServer> {
    const [member] = cluster.members;
    if (!member) throw new Error("the cluster needs a control plane");
    const { address } = member;
    const directory = await mkdtemp(path.join(tmpdir(), "muster-api-server-"));
    const pki = path.join(directory, "pki");
    const { pki: clusterPki } = await aClusterPki({ clock: systemClock });
    for (const file of await secretFilesOf(clusterPki, { cluster, member })) {
      const to = path.join(pki, path.relative(PKI, file.path));
      await mkdir(path.dirname(to), { recursive: true });
      await writeFile(to, file.content, { mode: file.mode });
    }
    await serverCertificate(pki, address);
    let output = "";
    const start = (program: string, args: readonly string[]): ChildProcess => {
      const child = spawn(program, [...args], { stdio: ["ignore", "pipe", "pipe"] });
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
      return child;
    };
    const etcdUrl = `http://${address}:2379`;
    const children = [
      start(path.join(etcd, "etcd"), etcdArguments(path.join(directory, "etcd"), address, etcdUrl)),
      start(path.join(kubernetes, "kube-apiserver"), serverArguments({ pki, address, etcdUrl, cluster })),
    ];
    const access = await clusterAccess({ pki: clusterPki, clock: systemClock }).kubernetes(cluster);
    const server = new ApiServer(access, directory, children);
    for (let tries = 0; tries < 240; tries += 1) {
      const health = await access.readyz({ address, port: cluster.spec.apiPort });
      if (health.kind === "ready") return server;
      await pause(500);
    }
    await server.stop();
    throw new Error(`the API server is not ready:\n${output.slice(-4000)}`);
  }

  async stop(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await pause(200);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** By openssl: kubeadm makes none for a loopback address. */
async function serverCertificate(pki: string, address: string): Promise<void> {
  const at = (name: string): string => path.join(pki, name);
  const request = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=kube-apiserver",
  ];
  const signer = [
    "-CA",
    at("ca.crt"),
    "-CAkey",
    at("ca.key"),
    "-keyout",
    at("apiserver.key"),
    "-out",
    at("apiserver.crt"),
  ];
  const names = ["-addext", `subjectAltName=IP:${address}`, "-addext", "basicConstraints=critical,CA:FALSE"];
  const made = await execute("openssl", [...request, ...signer, ...names], { timeout: 60_000 });
  if (made.code !== 0) throw new Error(`openssl made no certificate:\n${made.stderr}`);
}

function etcdArguments(data: string, address: string, url: string): readonly string[] {
  const peer = `http://${address}:2380`;
  return [
    ...["--data-dir", data, "--name", "one", "--initial-cluster", `one=${peer}`, "--unsafe-no-fsync"],
    ...["--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
  ];
}

function serverArguments(options: {
  readonly pki: string;
  readonly address: string;
  readonly etcdUrl: string;
  readonly cluster: ClusterView;
}): readonly string[] {
  const { pki, address, etcdUrl, cluster } = options;
  const at = (name: string): string => path.join(pki, name);
  return [
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${cluster.spec.apiPort}`,
    `--service-cluster-ip-range=${cluster.spec.network.serviceCIDR}`,
    "--authorization-mode=Node,RBAC",
    "--allow-privileged=true",
    `--client-ca-file=${at("ca.crt")}`,
    `--tls-cert-file=${at("apiserver.crt")}`,
    `--tls-private-key-file=${at("apiserver.key")}`,
    `--service-account-key-file=${at("sa.pub")}`,
    `--service-account-signing-key-file=${at("sa.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
  ];
}
