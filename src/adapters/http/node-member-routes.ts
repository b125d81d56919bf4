/** /node/v1: what machines ask for on their way into a cluster. */
import express, { type RequestHandler, type Response, type Router } from "express";
import { z } from "zod";
import { faultsOf } from "../../domain/faults.ts";
import { encodeTar } from "../../protocol/tar.ts";
import type { AddonsTurns } from "../../services/cluster/addons-turns.ts";
import type { NodeSecrets } from "../../services/cluster/node-secrets.ts";
import type { PayloadDelivery } from "../../services/cluster/payload-delivery.ts";
import type { PeerRoute } from "../../services/cluster/peer-routes.ts";
import type { TurnReply } from "../../services/cluster/turn-reply.ts";
import type { Turns } from "../../services/cluster/turns.ts";
import type { PresentedCertificate } from "../../services/node-identities.ts";
import type { NodeOf } from "./node-identity.ts";
import { remoteAddress } from "./principal.ts";
import { sendProblem } from "./problem.ts";
import { shellAnswer } from "./shell-answer.ts";

const MAX_TURN_BYTES = 16 * 1024;

export interface MemberServices {
  readonly turns: Pick<Turns, "ask">;
  readonly addonsTurns: Pick<AddonsTurns, "ask">;
  readonly secrets: Pick<NodeSecrets, "secretsFor">;
  readonly payloads: Pick<PayloadDelivery, "deliver">;
  /** Where the pods of the other nodes of a machine's cluster are; empty while that is not known. */
  readonly routesFor: (machine: string) => readonly PeerRoute[];
  /** The manifests that the machine whose turn it is applies, as one YAML stream; undefined when there are none. */
  readonly addons?: (machine: string) => Promise<string | undefined>;
  /** What a machine is told whose identity was revoked because it was declared gone. */
  readonly banished: (presented: PresentedCertificate) => TurnReply | undefined;
}

const turnSchema = z.object({
  step: z.string().max(32),
  status: z
    .object({
      kubeletConf: z.boolean().default(false),
      etcdData: z.boolean().default(false),
      joined: z.boolean().optional(),
      bootId: z.string().max(64).optional(),
    })
    .prefault({}),
});

/** POST turn, GET secrets, payload, routes and addons, behind the identity of the machine. */
export function nodeMemberRoutes(
  services: MemberServices,
  identity: { readonly present: RequestHandler; readonly orRevoked: RequestHandler; readonly nodeOf: NodeOf },
): Router {
  const router = express.Router();
  const json = express.json({ limit: MAX_TURN_BYTES, inflate: false, type: () => true });
  const { present, orRevoked, nodeOf } = identity;
  router.post("/turn", orRevoked, json, turn(services, nodeOf));
  router.get("/secrets", present, secrets(services, nodeOf));
  router.get("/payload", present, payload(services, nodeOf));
  router.get("/routes", present, routes(services, nodeOf));
  router.get("/addons", present, addons(services, nodeOf));
  return router;
}

function turn({ turns, addonsTurns, banished }: MemberServices, nodeOf: NodeOf): RequestHandler {
  return async (request, response) => {
    const { node, revoked } = nodeOf(response);
    const told = revoked && banished(revoked);
    if (revoked && !told) {
      sendProblem(response, { code: "forbidden", detail: "this certificate is refused: it was revoked" });
      return;
    }
    const body = turnSchema.safeParse(request.body);
    if (!body.success) {
      const faults = faultsOf(body.error, turnSchema);
      sendProblem(response, { code: "invalid", detail: "the question for a turn does not fit", faults });
      return;
    }
    const { step, status } = body.data;
    const reply = told ?? (step === "addons" ? await addonsTurns.ask(node) : await turns.ask(node, status));
    sendTurn(response, reply, request.accepts(["application/json", "text/plain"]) === "text/plain");
  };
}

function sendTurn(response: Response, reply: TurnReply, wantsText: boolean): void {
  response.set("Cache-Control", "no-store");
  if (!wantsText) {
    response.json(reply);
    return;
  }
  const { deadline, ...rest } = reply;
  const seconds = deadline === undefined ? {} : { deadline: Math.floor(deadline / 1000) };
  response.type("text/plain").send(shellAnswer({ ...rest, ...seconds }));
}

function secrets({ secrets: kept }: MemberServices, nodeOf: NodeOf): RequestHandler {
  return async (request, response) => {
    const outcome = await kept.secretsFor(nodeOf(response).node, { address: remoteAddress(request) });
    if (outcome.kind === "refused") {
      sendProblem(response, { code: outcome.code, detail: outcome.reason });
      return;
    }
    response.set("Cache-Control", "no-store").type("application/x-tar");
    const files = outcome.files.map((file) => ({ ...file, content: Buffer.from(file.content) }));
    response.send(Buffer.from(encodeTar(files)));
  };
}

function payload({ payloads }: MemberServices, nodeOf: NodeOf): RequestHandler {
  return async (_request, response) => {
    const outcome = await payloads.deliver(nodeOf(response).node);
    switch (outcome.kind) {
      case "none":
        response.status(204).end();
        return;
      case "waiting":
        sendProblem(response, {
          code: "unavailable",
          detail: outcome.reason,
          headers: { "Retry-After": String(outcome.retrySeconds) },
        });
        return;
      case "payload":
        response.set("Cache-Control", "no-store").type("application/gzip");
        response.send(Buffer.from(outcome.bytes));
    }
  };
}

function routes({ routesFor }: MemberServices, nodeOf: NodeOf): RequestHandler {
  return (_request, response) => {
    const found = routesFor(nodeOf(response).node.machine);
    if (found.length === 0) {
      response.status(204).end();
      return;
    }
    const lines = found.map(({ cidr, via }) => `${cidr} ${via}\n`);
    response.set("Cache-Control", "no-store").type("text/plain").send(lines.join(""));
  };
}

function addons({ addons: manifestsFor }: MemberServices, nodeOf: NodeOf): RequestHandler {
  return async (_request, response) => {
    const text = await manifestsFor?.(nodeOf(response).node.machine);
    if (text === undefined) {
      response.status(204).end();
      return;
    }
    response.set("Cache-Control", "no-store").type("application/yaml").send(text);
  };
}
