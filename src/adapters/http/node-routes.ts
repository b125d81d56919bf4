/** /node/v1: what installed machines ask for. They have no tokens: a secret once, their own certificate from then on. */
import express, { type RequestHandler, type Response, type Router } from "express";
import { z } from "zod";
import { faultsOf } from "../../domain/faults.ts";
import type { Enrolment, EnrolmentOutcome } from "../../services/enrolment.ts";
import type { ReportFacts, ReportOutcome } from "../../services/install-reports.ts";
import type { NodeIdentities } from "../../services/node-identities.ts";
import type { FailureLimit } from "./failure-limit.ts";
import { type NodeOf, nodeIdentityCheck, type PeerOf } from "./node-identity.ts";
import { type MemberServices, nodeMemberRoutes } from "./node-member-routes.ts";
import { remoteAddress } from "./principal.ts";
import { type ProblemCode, sendProblem } from "./problem.ts";

const MAX_REPORT_BYTES = 256 * 1024;
const MAX_ENROL_BYTES = 32 * 1024;

/** Takes what an installed machine reports about itself. */
export interface NodeReports {
  accept(
    node: { readonly machine: string; readonly generation: number },
    body: unknown,
    facts: ReportFacts,
  ): Promise<ReportOutcome>;
}

export interface NodeServices {
  readonly enrolment: Pick<Enrolment, "enrol">;
  readonly identities: Pick<NodeIdentities, "identify">;
  readonly reports: NodeReports;
  readonly failures: FailureLimit;
  /** What members of clusters ask for; absent where there are no clusters. */
  readonly members?: MemberServices;
  /** For tests without TLS. */
  readonly peerOf?: PeerOf;
}

const enrolSchema = z.strictObject({
  machine: z.string().max(63),
  generation: z.int().min(0),
  secret: z.string().max(200),
  csr: z.string().max(16_384),
});

/** POST enrol and POST report, and everything for members of clusters. */
export function nodeRoutes(services: NodeServices): Router {
  const router = express.Router();
  const json = (limit: number): RequestHandler => express.json({ limit, inflate: false, type: () => true });
  router.post("/enrol", json(MAX_ENROL_BYTES), enrol(services));
  const identity = nodeIdentityCheck(services.identities, services.peerOf);
  router.post("/report", identity.present, json(MAX_REPORT_BYTES), report(services, identity.nodeOf));
  if (services.members) router.use(nodeMemberRoutes(services.members, identity));
  return router;
}

function enrol({ enrolment, failures }: NodeServices): RequestHandler {
  return async (request, response) => {
    const address = remoteAddress(request);
    const wait = failures.blocked(address);
    if (wait !== undefined) {
      tooMany(response, wait);
      return;
    }
    const body = enrolSchema.safeParse(request.body);
    if (!body.success) {
      const faults = faultsOf(body.error, enrolSchema);
      sendProblem(response, { code: "invalid", detail: "the enrolment request does not fit", faults });
      return;
    }
    const outcome = await enrolment.enrol(body.data, { address });
    if (outcome.kind === "refused" && outcome.code === "forbidden") failures.failed(address);
    sendEnrolment(response, outcome);
  };
}

function sendEnrolment(response: Response, outcome: EnrolmentOutcome): void {
  response.set("Cache-Control", "no-store");
  switch (outcome.kind) {
    case "certified":
      response.json({ certificate: outcome.certificate, authority: outcome.authority });
      return;
    case "waiting":
      sendProblem(response, {
        code: "unavailable",
        detail: `waiting for approval: approval code ${outcome.code}; an operator compares it and confirms this machine`,
        headers: { "Retry-After": "15" },
      });
      return;
    case "refused":
      sendProblem(response, { code: outcome.code, detail: outcome.reason });
  }
}

const REFUSALS: Readonly<Record<400 | 403 | 409, ProblemCode>> = {
  400: "bad-request",
  403: "forbidden",
  409: "not-permitted-now",
};

function report({ reports }: NodeServices, nodeOf: NodeOf): RequestHandler {
  return async (request, response) => {
    const { node } = nodeOf(response);
    const outcome = await reports.accept(node, request.body, { address: remoteAddress(request) });
    if (outcome.kind === "refused") {
      sendProblem(response, { code: REFUSALS[outcome.status], detail: outcome.reason });
      return;
    }
    response.set("Cache-Control", "no-store").json({ machine: outcome.machine, repeated: outcome.repeated });
  };
}

function tooMany(response: Response, seconds: number): void {
  sendProblem(response, {
    code: "too-many-requests",
    detail: "too many wrong secrets from this address",
    headers: { "Retry-After": String(seconds) },
  });
}
