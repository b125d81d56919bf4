/** Runs one route for somebody who was let in: permission, handler, audit trail. The API and the web page share it. */
import type { Request } from "express";
import { MusterError } from "../../domain/errors.ts";
import type { EventSink } from "../../services/ports.ts";
import { type ApiRoute, type Call, problem, type Reply } from "./api-route.ts";
import { lackOf, type Principal, remoteAddress } from "./principal.ts";
import { problemOf } from "./problem.ts";

/**
 * The reply of a route, the refusals of the services turned into problems. Every change that was asked for is recorded,
 * whether it was done or refused; machines' own timelines say what came of it.
 * @throws whatever is not a MusterError: nobody expected it.
 */
export async function perform(
  each: ApiRoute,
  what: { readonly call: Call<unknown, unknown>; readonly request: Request; readonly events: EventSink },
): Promise<Reply> {
  const { call, request, events } = what;
  const lack = each.permission === "anyone" ? undefined : lackOf(call.principal, each.permission);
  const reply = lack ? problem(lack) : await outcome(each, call);
  if (each.method !== "get" || each.audited === true)
    events.record(auditEntry(each, { principal: call.principal, request, reply }));
  return reply;
}

async function outcome(each: ApiRoute, call: Call<unknown, unknown>): Promise<Reply> {
  try {
    return await each.run(call);
  } catch (error) {
    if (error instanceof MusterError) return problem(problemOf(error));
    throw error;
  }
}

function auditEntry(
  each: ApiRoute,
  what: { readonly principal: Principal; readonly request: Request; readonly reply: Reply },
): Parameters<EventSink["record"]>[0] {
  const { principal, request, reply } = what;
  const refusal = reply.kind === "problem" ? reply.problem.code : undefined;
  return {
    type: `api.${each.id}`,
    source: principal.source,
    level: refusal === undefined ? "info" : "warning",
    message: `${request.method} ${request.baseUrl}${request.path}: ${refusal ?? "done"}`,
    data: { ...request.params, from: remoteAddress(request) },
  };
}
