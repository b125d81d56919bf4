/**
 * The boot plane: every address a machine asks before it has an operating system. Plain HTTP, nothing secret in a URL
 * that reaches a log.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import express, { type Express, type Request, type Response } from "express";
import { MusterError } from "../../domain/errors.ts";
import { parseMac } from "../../net/mac.ts";
import type { BootScripts } from "../../services/install/boot-script.ts";
import type { InstallDocuments } from "../../services/install/documents.ts";
import type { InstallReports } from "../../services/install-reports.ts";
import type { Clock, Log } from "../../services/ports.ts";
import { healthz } from "./health.ts";
import type { MirrorRoutes } from "./mirror-routes.ts";
import { plainAnswer } from "./plain-answer.ts";
import type { StaticFiles } from "./static-files.ts";
import { decodePath, maskTicket } from "./url-path.ts";

export interface BootAppOptions {
  readonly scripts: BootScripts;
  /** Scripts for the signed GRUB, which asks the server that it was loaded from. */
  readonly grub: BootScripts;
  readonly documents: Pick<InstallDocuments, "get">;
  readonly reports: InstallReports;
  readonly files: StaticFiles;
  readonly mirror: MirrorRoutes;
  readonly clock: Clock;
  readonly log: Log;
}

const MAX_REPORT_BYTES = 128 * 1024;

/** The routes of the boot plane, top to bottom as they are matched. */
function routes(app: Express, options: BootAppOptions): void {
  app.get("/healthz", healthz);
  app.get(["/boot/boot.ipxe", "/boot/autoexec.ipxe"], (_request, response) => {
    sendScript(response, options.scripts.finder());
  });
  app.get("/boot/script.ipxe", (request, response) => answerScript(options, request, response));
  app.get("/boot/:mac.ipxe", (request, response) => answerScript(options, request, response));
  app.get("/boot/:mac", (request, response) => answerScript(options, request, response));
  app.get("/grub/grub.cfg", (_request, response) => {
    sendScript(response, options.grub.finder());
  });
  app.get("/grub/:mac.cfg", (request, response) =>
    answerScript({ scripts: options.grub }, request, response),
  );
  app.get("/install/:ticket/:document", (request, response) => answerDocument(options, request, response));
  app.post(
    "/install/:ticket/report",
    express.json({ limit: MAX_REPORT_BYTES, type: () => true, strict: false }),
    (request: Request, response: Response) => takeReport(options, request, response),
  );
}

/** The listener for the boot plane's HTTP server. */
export function createBootApp(options: BootAppOptions): RequestListener {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  routes(app, options);
  app.use((request: Request, response: Response) => {
    plainAnswer(response, { status: 404, text: `nothing is served at ${maskTicket(request.path)}` });
  });
  app.use(failed(options.log));
  return (request, response) => {
    logged(options, request, response);
    const path = decodePath(request.url ?? "/");
    if (path === undefined) {
      plainAnswer(response, { status: 400, text: "this address cannot be read" });
      return;
    }
    dispatch(options, { app, request, response, path });
  };
}

interface Dispatch {
  readonly app: Express;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
}

/** Files and the mirror carry nearly all bytes and need nothing of the framework. */
function dispatch({ files, mirror, log }: BootAppOptions, { app, request, response, path }: Dispatch): void {
  const under = (prefix: string): string | undefined =>
    `${path}/`.startsWith(prefix) ? path.slice(prefix.length) : undefined;
  const file = under("/boot/files/");
  const mirrored = under("/mirror/");
  if (file === undefined && mirrored === undefined) {
    request.url = `${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}${/\?.*$/.exec(request.url ?? "")?.[0] ?? ""}`;
    app(request as Request, response as Response);
    return;
  }
  const work =
    file === undefined
      ? mirror({ request, response, path: mirrored ?? "" })
      : files.serve({ request, response, path: file });
  work.catch((error: unknown) => {
    log.error({ error, path: maskTicket(path) }, "request failed");
    if (response.headersSent) response.destroy();
    else plainAnswer(response, { status: 500, text: "the appliance failed on this request" });
  });
}

async function answerScript(
  { scripts }: Pick<BootAppOptions, "scripts">,
  request: Request,
  response: Response,
): Promise<void> {
  const asked = request.params.mac ?? request.query.mac;
  const text = typeof asked === "string" ? asked : "";
  const mac = parseMac(text);
  const userAgent = request.get("user-agent");
  const address = addressOf(request);
  const facts = { ...(address !== undefined && { address }), ...(userAgent !== undefined && { userAgent }) };
  sendScript(response, mac ? await scripts.scriptFor(mac, facts) : scripts.scriptForNonsense(text));
}

/** H-15. iPXE runs no script that comes with an error status, so even "unknown machine" is a 200 with a script. */
function sendScript(response: Response, script: string): void {
  response.set({ "Cache-Control": "no-store", "Content-Type": "text/plain; charset=utf-8" });
  response.status(200).send(Buffer.from(script));
}

async function answerDocument(options: BootAppOptions, request: Request, response: Response): Promise<void> {
  const ticket = parameter(request, "ticket");
  const outcome = await options.documents.get(ticket, parameter(request, "document"));
  if (outcome.kind !== "document") {
    if (outcome.kind === "refused") {
      options.log.warn(
        { reason: outcome.reason, address: addressOf(request) },
        "an install document was refused",
      );
    }
    plainAnswer(response, { status: 404, text: "there is no such document for this ticket" });
    return;
  }
  const { contentType, text } = outcome.document;
  response.set({ "Cache-Control": "no-store", "Content-Type": contentType }).send(Buffer.from(text));
}

async function takeReport(options: BootAppOptions, request: Request, response: Response): Promise<void> {
  const address = addressOf(request);
  const facts = address === undefined ? {} : { address };
  const outcome = await options.reports.accept(parameter(request, "ticket"), request.body as unknown, facts);
  if (outcome.kind === "acknowledged") plainAnswer(response, { status: 200, text: "acknowledged" });
  else plainAnswer(response, { status: outcome.status, text: outcome.reason });
}

/** What a handler threw, as one line of text; the ticket stays out of the log. */
function failed(log: Log): express.ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const status = statusOf(error);
    if (status >= 500) log.error({ error, path: maskTicket(request.path) }, "request failed");
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = error instanceof MusterError || status < 500;
    const text = known ? (error as Error).message : "the appliance failed on this request";
    plainAnswer(response, { status, text });
  };
}

function statusOf(error: unknown): number {
  if (error instanceof MusterError)
    return error.code === "not-found" ? 404 : error.code === "unavailable" ? 503 : 500;
  const status = (error as { readonly status?: unknown }).status;
  return typeof status === "number" && status >= 400 && status < 500 ? status : 500;
}

/** One line per answer with who asked (H-12) and how much it got; tickets are masked. */
function logged({ log, clock }: BootAppOptions, request: IncomingMessage, response: ServerResponse): void {
  const begun = clock.monotonic();
  response.once("close", () => {
    const fields = {
      method: request.method,
      path: maskTicket(request.url ?? ""),
      status: response.statusCode,
      complete: response.writableFinished,
      ms: Math.round(clock.monotonic() - begun),
      address: addressOf(request),
      userAgent: request.headers["user-agent"],
    };
    log.info(fields, "boot request");
  });
}

function addressOf(request: IncomingMessage): string | undefined {
  return request.socket.remoteAddress?.replace(/^::ffff:/, "");
}

function parameter(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === "string" ? value : "";
}
