/** The web page: read without scripts, live with them. Every address of it is in this file. */
import path from "node:path";
import express, { type Request, type RequestHandler, type Response, type Router } from "express";
import { docsModel } from "./api-docs.ts";
import type { ApiRoute } from "./api-route.ts";
import type { ControlServices } from "./control-ports.ts";
import { LastEvents } from "./last-events.ts";
import { LiveTiles } from "./live-tiles.ts";
import type { Trust } from "./principal.ts";
import { remoteAddress } from "./principal.ts";
import { statusOf } from "./problem.ts";
import { html, type SessionHandler } from "./send-page.ts";
import { fromOwnPage, Sessions } from "./session.ts";
import { openViews } from "./views.ts";
import { webActions } from "./web-actions.ts";
import { WebPages } from "./web-pages.ts";

export interface WebOptions {
  readonly services: ControlServices;
  readonly routes: readonly ApiRoute[];
  readonly trust: Extract<Trust, { kind: "tokens" }>;
  /** Signs session cookies; 32 bytes. */
  readonly sessionKey: Uint8Array;
  /** Where templates, styles and scripts lie. */
  readonly viewsDirectory: string;
  readonly stopping: AbortSignal;
}

/** The router of the page; everything it does not know goes on to the next one. */
export function webRoutes(options: WebOptions): Router {
  const { services, routes, sessionKey, trust, viewsDirectory, stopping } = options;
  const views = openViews(viewsDirectory);
  const sessions = new Sessions({ key: sessionKey, tokens: trust.tokens, clock: services.clock });
  const lastEvents = new LastEvents(services.timeline);
  const pages = new WebPages({ services, views, lastEvents });
  const live = new LiveTiles({ ...services, draw: (name) => pages.tile(name) });
  const actions = webActions({ services, routes, pages, stopping });
  const form = express.urlencoded({ extended: false, limit: 16_384 });

  const router = express.Router({ caseSensitive: true });
  router.use("/web", express.static(path.join(viewsDirectory, "static"), { index: false, maxAge: 60_000 }));
  router.get("/docs", (_request, response) => {
    html(response, views("docs.njk", docsModel(routes)));
  });
  router.get("/login", (_request, response) => {
    html(response, views("login.njk", { problem: "", session: false }));
  });
  router.post("/login", form, (request, response) => {
    login(request, response, { sessions, trust, views });
  });
  router.get(
    "/",
    loggedIn(sessions, async (request, response, session) => {
      const { state, after } = request.query;
      html(response, await pages.machines({ session, state: textOf(state), after: textOf(after) }));
    }),
  );
  router.get(
    "/live",
    loggedIn(sessions, (request, response) =>
      live.follow(response, { signal: stopping, allowed: () => sessions.of(request) !== undefined }),
    ),
  );
  router.get(
    "/machines/:name",
    loggedIn(sessions, async (request, response, session) => {
      const page = await pages.machine({ session, name: String(request.params.name) });
      html(response, page.html, page.status);
    }),
  );
  router.get(
    "/clusters/:name",
    loggedIn(sessions, async (request, response, session) => {
      const page = await pages.cluster({ session, name: String(request.params.name) });
      html(response, page.html, page.status);
    }),
  );
  router.post(
    "/logout",
    form,
    ownForm(sessions, (_request, response) => {
      sessions.end(response);
      response.redirect(303, "/login");
    }),
  );
  router.post("/register", form, ownForm(sessions, actions.register));
  router.post("/machines/:name/:verb", form, ownForm(sessions, actions.act));
  return router;
}

function login(
  request: Request,
  response: Response,
  {
    sessions,
    trust,
    views,
  }: {
    readonly sessions: Sessions;
    readonly trust: WebOptions["trust"];
    readonly views: ReturnType<typeof openViews>;
  },
): void {
  const token = (request.body as { readonly token?: unknown } | undefined)?.token;
  if (typeof token === "string" && sessions.begin(response, token.trim())) {
    response.redirect(303, "/");
    return;
  }
  const wait = trust.failures.failed(remoteAddress(request));
  const problem =
    wait === undefined ? "This token opens nothing." : `Too many wrong tokens. Wait ${wait} seconds.`;
  html(
    response,
    views("login.njk", { problem, session: false }),
    statusOf(wait === undefined ? "unauthorised" : "too-many-requests"),
  );
}

/** Sends people without a session to the login page. */
function loggedIn(sessions: Sessions, handle: SessionHandler): RequestHandler {
  return async (request, response) => {
    const session = sessions.of(request);
    if (!session) {
      response.redirect(303, "/login");
      return;
    }
    await handle(request, response, session);
  };
}

/** Takes forms of our own pages only. */
function ownForm(sessions: Sessions, handle: SessionHandler): RequestHandler {
  return loggedIn(sessions, async (request, response, session) => {
    if (fromOwnPage(request, session.formToken)) {
      await handle(request, response, session);
      return;
    }
    response
      .status(403)
      .type("text/plain")
      .send("This form was not sent from a page of this session. Go back and reload.\n");
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
