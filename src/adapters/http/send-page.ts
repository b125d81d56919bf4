/** How pages are sent, and what handlers of pages look like. */
import type { Request, Response } from "express";
import type { Session } from "./session.ts";

/** A handler for people who are logged in. */
export type SessionHandler = (request: Request, response: Response, session: Session) => Promise<void> | void;

/** Sends a page that is never kept: it holds what only its reader may see. */
export function html(response: Response, text: string, status = 200): void {
  response.status(status).set("Cache-Control", "no-store").type("html").send(text);
}
