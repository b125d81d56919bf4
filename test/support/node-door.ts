/** The doors that machines knock at, with real TLS and client certificates, in front of the turns of one cluster. */
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import { ControlServer } from "../../src/adapters/http/control-server.ts";
import { FailureLimit } from "../../src/adapters/http/failure-limit.ts";
import { nodeRoutes } from "../../src/adapters/http/node-routes.ts";
import { errorHandler } from "../../src/adapters/http/problem.ts";
import { openAuthority } from "../../src/adapters/pki/authority.ts";
import { nodeCertifier, presentedCertificate } from "../../src/adapters/pki/node-certifier.ts";
import { serverCredentials } from "../../src/adapters/pki/server-certificate.ts";
import { isBanished } from "../../src/domain/cluster/cluster-record.ts";
import type { PayloadOutcome } from "../../src/services/cluster/payload-delivery.ts";
import { NodeIdentities } from "../../src/services/node-identities.ts";
import { NodeReports } from "../../src/services/node-reports.ts";
import type { TurnServices } from "./turn-services.ts";

export interface NodeCredentials {
  readonly key: string;
  readonly cert: string;
}

export interface NodeAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What a machine sends; JSON where there is a body. */
export interface NodeCall {
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
}

/** Opens the door; everything is closed and removed by `stop`. */
export async function openNodeDoor(
  services: TurnServices,
  options: { readonly payload?: () => PayloadOutcome } = {},
) {
  const directory = await mkdtemp(join(tmpdir(), "muster-door-"));
  const { core, turns, addons, secrets, reports, states } = services;
  const { store, registry, events, clock, log } = core;
  // Certificates are judged by the TLS library's own clock.
  clock.jump(Date.now() - clock.now());
  const authority = await openAuthority({ directory, clock });
  const certifier = nodeCertifier(authority);
  const identities = new NodeIdentities({ store: store.identities, machines: registry, events, clock, log });
  const app = express();
  app.use(
    "/node/v1",
    nodeRoutes({
      enrolment: { enrol: () => Promise.reject(new Error("everybody is enrolled")) },
      identities,
      failures: new FailureLimit({ clock }),
      reports: new NodeReports({
        registry,
        events,
        clock,
        members: {
          step: (node, report) => reports.report(node, report),
          secretsKept: (node) => secrets.kept(node),
        },
      }),
      members: {
        turns,
        addonsTurns: addons,
        secrets,
        payloads: { deliver: () => Promise.resolve(options.payload?.() ?? { kind: "none" }) },
        routesFor: () => [{ cidr: "10.244.1.0/24", via: "10.20.0.10" }],
        banished: (presented) =>
          isBanished(states.get("lab"), presented) ? { action: "leave", reason: "declared gone" } : undefined,
      },
    }),
  );
  app.use(errorHandler(log));
  const server = new ControlServer({
    port: 0,
    socketPath: join(directory, "muster.sock"),
    overHttps: app,
    overSocket: () => undefined,
    authority: authority.certificate,
    credentials: () => serverCredentials({ directory, authority, clock, names: ["127.0.0.1"] }),
    log,
  });
  await server.start();
  const port = server.port ?? 0;
  const ca = authority.certificate;

  /** A certificate of the machine's first generation on a key of its own, on record like after an enrolment. */
  async function enrol(machine: string): Promise<NodeCredentials> {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { pem } = certifier.certify({ machine, generation: 1, publicKey });
    const presented = presentedCertificate(new X509Certificate(pem));
    if (!presented) throw new Error(`no certificate for ${machine}`);
    const { serial, keyHash } = presented;
    await store.identities.put({
      machine,
      generation: 1,
      secretHashes: [],
      keyHash,
      serial,
      certificate: pem,
    });
    return { cert: pem, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
  }

  const agents = new Map<string, Agent>();
  const agentOf = (cert: string): Agent => {
    const agent = agents.get(cert) ?? new Agent({ keepAlive: true, maxSockets: 1 });
    agents.set(cert, agent);
    return agent;
  };

  /** One request with a machine's certificate, on the connection that it keeps. */
  async function call(path: string, who: Partial<NodeCredentials>, what: NodeCall = {}): Promise<NodeAnswer> {
    const agent = agentOf(who.cert ?? "");
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { "Content-Type": "application/json", ...what.headers };
      const method = what.method ?? (what.body === undefined ? "GET" : "POST");
      const at = { host: "127.0.0.1", port, path: `/node/v1/${path}`, ca, agent };
      request({ ...at, ...who, method, headers }, resolve)
        .on("error", reject)
        .end(what.body === undefined ? undefined : JSON.stringify(what.body));
    });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const { statusCode: status = 0, headers } = response;
    return { status, type: headers["content-type"] ?? "", headers, body: Buffer.concat(chunks) };
  }

  return {
    port,
    ca,
    enrol,
    call,
    stop: async (): Promise<void> => {
      for (const agent of agents.values()) agent.destroy();
      await server.stop();
      await rm(directory, { recursive: true });
    },
  };
}
