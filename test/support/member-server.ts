/**
 * One server of a cluster's control plane as tests need it: real TLS under an authority of the cluster, client
 * certificates asked for, JSON answers that the test gives.
 */
import { createServer, type Server } from "node:https";
import { type PeerCertificate, TLSSocket } from "node:tls";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import type { ClusterPki } from "../../src/services/cluster/cluster-pki.ts";

/** Where a server stands and whose it is; an address of the loopback network. */
export interface MemberPlace {
  readonly pki: ClusterPki;
  readonly cluster: ClusterView;
  readonly address: string;
  readonly port?: number;
}

export interface MemberRequest {
  readonly method: string;
  readonly path: string;
  /** The client's certificate, when the authority issued it. */
  readonly peer: PeerCertificate | undefined;
  /** The body as it came. */
  readonly text: string;
}

export interface MemberAnswer {
  readonly status: number;
  /** Sent as JSON, unless it is a text. */
  readonly body: unknown;
}

export interface MemberRole {
  readonly authority: "ca" | "etcdCa";
  readonly purpose: "server" | "peer";
  readonly commonName: string;
  /** What becomes of clients without a certificate of the authority. */
  readonly strangers: "refused" | "anonymous";
  readonly answer: (request: MemberRequest) => MemberAnswer;
}

export class MemberServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(
    { pki, cluster, address, port = 0 }: MemberPlace,
    role: MemberRole,
  ): Promise<MemberServer> {
    const authorities = await pki.ensure(cluster);
    const { authority, purpose, commonName } = role;
    const own = await pki.leaf(cluster, {
      ...{ authority, purpose, commonName },
      organisations: [],
      alternativeNames: [address],
      lifetimeMs: 3_600_000,
    });
    const server = createServer({
      key: own.key,
      cert: own.certificate,
      ca: authorities[authority].certificate,
      requestCert: true,
      rejectUnauthorized: role.strangers === "refused",
    });
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { socket, method = "", url: path = "" } = request;
        const known = socket instanceof TLSSocket && socket.authorized;
        const peer = known ? socket.getPeerCertificate() : undefined;
        const text = Buffer.concat(chunks).toString("utf8");
        const { status, body } = role.answer({ method, path, peer, text });
        response.writeHead(status, { "content-type": "application/json" });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(port, address, resolve));
    return new MemberServer(server);
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
