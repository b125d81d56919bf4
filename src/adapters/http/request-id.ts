/** A name for each request, so that an error message and a log line can be put together. */
import { randomUUID } from "node:crypto";
import type { RequestHandler, Response } from "express";

const HEADER = "X-Request-Id";
/** A caller's own id is taken over only in a form that cannot break a log line. */
const ACCEPTABLE = /^[A-Za-z0-9._-]{1,64}$/;

/** Gives the response an `X-Request-Id`: the caller's own when it is harmless, a random one otherwise. */
export const requestId: RequestHandler = (request, response, next) => {
  const given = request.get(HEADER);
  response.set(HEADER, given !== undefined && ACCEPTABLE.test(given) ? given : randomUUID());
  next();
};

/** The id that {@link requestId} gave. */
export function requestIdOf(response: Response): string {
  return response.get(HEADER) ?? "-";
}
