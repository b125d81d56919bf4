/** Forms of the pages: each runs the API's own route, so both obey the same rules and leave the same trail. */
import type { Request, Response } from "express";
import type { ApiRoute, Call, Reply } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";
import { perform } from "./perform.ts";
import type { Problem } from "./problem.ts";
import { statusOf } from "./problem.ts";
import { html, type SessionHandler } from "./send-page.ts";
import type { Session } from "./session.ts";
import type { WebPages } from "./web-pages.ts";

export interface WebActionsOptions {
  readonly services: ControlServices;
  readonly routes: readonly ApiRoute[];
  readonly pages: WebPages;
  readonly stopping: AbortSignal;
}

type Fields = Readonly<Record<string, string>>;

/** Verbs that ask for the machine's name, typed by hand. */
const DANGEROUS: ReadonlySet<string> = new Set(["reimage", "retire"]);
const VERBS: ReadonlySet<string> = new Set(["approve", "retry", "reimage", "retire", "confirm", "boot"]);

/** Handlers for the register form and for the buttons of a machine. */
export function webActions(options: WebActionsOptions): {
  readonly register: SessionHandler;
  readonly act: SessionHandler;
} {
  const { pages, routes } = options;
  const run = (id: string, asked: Asked): Promise<Reply> => {
    const route = routes.find((each) => each.id === id);
    if (!route) return Promise.resolve(noSuchAction(id));
    const call = callOf(asked, options.stopping);
    return perform(route, { call, request: asked.request, events: options.services.timeline });
  };
  return {
    register: async (request, response, session) => {
      const sent = fieldsOf(request);
      const { mac = "", name = "", os = "" } = sent;
      const body = { mac, ...(name === "" ? {} : { name }), ...(os === "" ? {} : { os }) };
      const reply = await run("registerMachine", { request, session, body, params: {} });
      if (reply.kind !== "problem") response.redirect(303, "/");
      else
        html(
          response,
          await pages.machines({ session, problem: reply.problem, sent }),
          statusOf(reply.problem.code),
        );
    },
    act: async (request, response, session) => {
      const { name = "", verb = "" } = request.params as Fields;
      const reply = await act({ request, session, name, verb }, run);
      await answer(response, { reply, session, name, pages });
    },
  };
}

interface Asked {
  readonly request: Request;
  readonly session: Session;
  readonly body: unknown;
  readonly params: Fields;
}

async function act(
  asked: {
    readonly request: Request;
    readonly session: Session;
    readonly name: string;
    readonly verb: string;
  },
  run: (id: string, asked: Asked) => Promise<Reply>,
): Promise<Reply> {
  const { request, session, name, verb } = asked;
  const fields = fieldsOf(request);
  if (!VERBS.has(verb)) return noSuchAction(verb);
  if (DANGEROUS.has(verb) && fields.confirm !== name) {
    return refusal({
      code: "bad-request",
      detail: `Nothing was done: type ${name} into the field to confirm.`,
    });
  }
  const body = verb === "boot" ? { target: fields.target === "" ? null : fields.target } : {};
  return run(`${verb}Machine`, { request, session, body, params: { name } });
}

async function answer(
  response: Response,
  what: { readonly reply: Reply; readonly session: Session; readonly name: string; readonly pages: WebPages },
): Promise<void> {
  const { reply, session, name, pages } = what;
  if (reply.kind !== "problem") {
    response.redirect(303, `/machines/${encodeURIComponent(name)}`);
    return;
  }
  const page = await pages.machine({ session, name, problem: reply.problem });
  html(response, page.html, statusOf(reply.problem.code));
}

function callOf({ session, body, params }: Asked, stopping: AbortSignal): Call<unknown, unknown> {
  return {
    params,
    query: undefined,
    body,
    principal: session.principal,
    ifMatch: undefined,
    lastEventId: undefined,
    wantsText: false,
    signal: stopping,
  };
}

function fieldsOf(request: Request): Fields {
  const body = (request.body ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function noSuchAction(name: string): Reply {
  return refusal({ code: "not-found", detail: `there is no action ${name}` });
}

function refusal(problem: Problem): Reply {
  return { kind: "problem", problem };
}
