/** Lets only holders of a machine's certificate through to what is meant for machines. */
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Request, RequestHandler, Response } from "express";
import type { Identification, NodeIdentities, PresentedCertificate } from "../../services/node-identities.ts";
import { presentedCertificate } from "../pki/node-certifier.ts";
import { sendProblem } from "./problem.ts";

/** The client certificate that TLS has verified; undefined when there is none. */
export type PeerOf = (request: Request) => X509Certificate | undefined;

interface KnownNode {
  readonly node: { readonly machine: string; readonly generation: number };
  /** Set where a refused certificate was let through: whose it was. */
  readonly revoked?: PresentedCertificate;
}

/** Who asks, as the identity check before the handler has found. */
export type NodeOf = (response: Response) => KnownNode;

export interface NodeIdentityCheck {
  /** Refuses everybody but machines of their present generation. */
  readonly present: RequestHandler;
  /** Lets machines through whose certificate counts no more; the handler decides what to tell them. */
  readonly orRevoked: RequestHandler;
  readonly nodeOf: NodeOf;
}

/** Builds the check; `peerOf` is replaced in tests without TLS. */
export function nodeIdentityCheck(
  identities: Pick<NodeIdentities, "identify">,
  peerOf: PeerOf = tlsPeer,
): NodeIdentityCheck {
  const check =
    (
      refused: (response: Response, presented: PresentedCertificate, reason: string) => boolean,
    ): RequestHandler =>
    async (request, response, next) => {
      const certificate = peerOf(request);
      const presented = certificate && presentedCertificate(certificate);
      if (!presented) {
        const detail = "this address needs the client certificate that the machine was enrolled with";
        sendProblem(response, { code: "unauthorised", detail });
        return;
      }
      const found: Identification = await identities.identify(presented);
      if (found.kind === "refused" && refused(response, presented, found.reason)) return;
      const { machine, generation } = presented;
      const known: KnownNode =
        found.kind === "node"
          ? { node: { machine: found.machine.name, generation: found.generation } }
          : { node: { machine, generation }, revoked: presented };
      response.locals.node = known;
      next();
    };
  return {
    present: check((response, _presented, reason) => {
      sendProblem(response, { code: "forbidden", detail: `this certificate is refused: ${reason}` });
      return true;
    }),
    orRevoked: check(() => false),
    nodeOf: (response) => response.locals.node as KnownNode,
  };
}

function tlsPeer(request: Request): X509Certificate | undefined {
  const socket = request.socket as Partial<TLSSocket>;
  return socket.authorized === true ? socket.getPeerX509Certificate?.() : undefined;
}
