/** Stands in for one etcd member's JSON gateway: real TLS with client certificates, answers as a test says. */
import { createServer, type Server } from "node:https";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import type { ClusterPki } from "../../src/services/cluster/cluster-pki.ts";

export interface FakeEtcdAnswer {
  readonly status?: number;
  /** Sent as JSON, unless it is a text. */
  readonly body: unknown;
}

export class FakeEtcd {
  /** By path below /v3. */
  readonly answers = new Map<string, FakeEtcdAnswer>();
  readonly seen: { readonly path: string; readonly body: unknown }[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Serves on an address of the loopback network with a certificate of the cluster's etcd authority. */
  static async serve(options: {
    readonly pki: ClusterPki;
    readonly cluster: ClusterView;
    readonly address: string;
    readonly port?: number;
  }): Promise<FakeEtcd> {
    const { pki, cluster, address } = options;
    const { etcdCa } = await pki.ensure(cluster);
    const own = await pki.leaf(cluster, {
      authority: "etcdCa",
      purpose: "peer",
      commonName: "etcd",
      organisations: [],
      alternativeNames: [address],
      lifetimeMs: 3_600_000,
    });
    const tls = { key: own.key, cert: own.certificate, ca: etcdCa.certificate, requestCert: true };
    const server = createServer(tls);
    const fake = new FakeEtcd(server);
    server.on("request", (request, response) => {
      let text = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => (text += chunk));
      request.on("end", () => {
        const path = (request.url ?? "").replace("/v3/", "");
        fake.seen.push({ path, body: JSON.parse(text) as unknown });
        const { status = 200, body } = fake.answers.get(path) ?? {
          status: 404,
          body: "404 page not found\n",
        };
        response.writeHead(status, { "content-type": "application/json" });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(options.port ?? 0, address, resolve));
    return fake;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
