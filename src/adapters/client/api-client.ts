/** Client of the appliance's HTTP API, over its unix socket or HTTPS. */
import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { request as requestHttps } from "node:https";
import type { Readable } from "node:stream";
import { errorFromResponse } from "./api-error.ts";
import { type Endpoint, unreachable } from "./endpoint.ts";
import { readEvents, type ServerSentEvent } from "./server-sent-events.ts";

const ANSWER_TIMEOUT_MS = 30_000;

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

interface Call {
  readonly method: Method;
  /** Below `/api/v1/`, for example `machines/kube0`. */
  readonly path: string;
  readonly body?: unknown;
  readonly accept?: string;
  /** Streams may be silent for longer than {@link ANSWER_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** A path with its names escaped and its query added; undefined values are left out. */
export function apiPath(
  segments: readonly string[],
  query: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value));
  const path = segments.map(encodeURIComponent).join("/");
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

export class ApiClient {
  readonly endpoint: Endpoint;
  readonly #signal: AbortSignal;

  /** Every request ends with an AbortError once `signal` is aborted. */
  constructor(endpoint: Endpoint, signal: AbortSignal) {
    this.endpoint = endpoint;
    this.#signal = signal;
  }

  /**
   * The JSON a resource answers with. The appliance is of the same version, so its answers are taken as typed.
   * @throws ApiError for every answer that is no success, UnreachableError when there is none.
   */
  async get<T>(path: string): Promise<T> {
    return (await this.#json({ method: "GET", path })) as T;
  }

  /** Every item of a list, page after page. */
  async list<T>(
    segments: readonly string[],
    query: Readonly<Record<string, string | number | undefined>> = {},
  ): Promise<readonly T[]> {
    const items: T[] = [];
    let after: string | undefined;
    do {
      const page = await this.get<Page<T>>(
        apiPath(segments, after === undefined ? query : { ...query, after }),
      );
      items.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return items;
  }

  /** Sends JSON and returns the JSON answered, undefined for an empty answer. */
  async send<T>(method: Method, path: string, body?: unknown): Promise<T> {
    return (await this.#json({ method, path, ...(body !== undefined && { body }) })) as T;
  }

  /** The text of a document, exactly as served. */
  async text(path: string): Promise<string> {
    return this.#text({ method: "GET", path, accept: "*/*" });
  }

  /** A body too large to hold: the caller consumes it. */
  async download(path: string): Promise<Readable> {
    return this.#call({ method: "GET", path, accept: "*/*", timeoutMs: 0 });
  }

  /** Messages of an event stream until the server ends it. */
  async *follow(path: string): AsyncGenerator<ServerSentEvent> {
    const response = await this.#call({ method: "GET", path, accept: "text/event-stream", timeoutMs: 0 });
    try {
      yield* readEvents(response);
    } catch (error) {
      throw this.#failure(error);
    } finally {
      response.destroy();
    }
  }

  async #json(call: Call): Promise<unknown> {
    const text = await this.#text(call);
    return text === "" ? undefined : JSON.parse(text);
  }

  async #text(call: Call): Promise<string> {
    const response = await this.#call(call);
    return readText(response).catch((error: unknown) => {
      throw this.#failure(error);
    });
  }

  async #call(call: Call): Promise<IncomingMessage> {
    const response = await this.#exchange(call);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw errorFromResponse(status, await readText(response));
  }

  #failure(error: unknown): Error {
    return this.#signal.aborted && error instanceof Error ? error : unreachable(this.endpoint, error);
  }

  #exchange(call: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
      const request = open(this.endpoint, call, this.#signal);
      // Node sends no length of its own accord with DELETE.
      if (body) request.setHeader("Content-Length", body.length);
      request.once("response", resolve);
      request.once("error", (error) => reject(this.#failure(error)));
      request.once("timeout", () => request.destroy(new Error("no answer in time")));
      request.end(body);
    });
  }
}

function open(endpoint: Endpoint, call: Call, signal: AbortSignal): ClientRequest {
  const options: RequestOptions = {
    method: call.method,
    path: `/api/v1/${call.path}`,
    headers: headersOf(endpoint, call),
    timeout: call.timeoutMs ?? ANSWER_TIMEOUT_MS,
    signal,
  };
  if (endpoint.kind === "socket") return requestHttp({ ...options, socketPath: endpoint.path });
  const target = { ...options, host: endpoint.url.hostname.replace(/^\[|\]$/g, ""), port: endpoint.url.port };
  if (endpoint.url.protocol === "http:") return requestHttp(target);
  return requestHttps({ ...target, ...(endpoint.ca !== undefined && { ca: endpoint.ca }) });
}

function headersOf(endpoint: Endpoint, call: Call): Record<string, string> {
  const headers: Record<string, string> = { Accept: call.accept ?? "application/json" };
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  if (endpoint.kind === "url" && endpoint.token) headers["Authorization"] = `Bearer ${endpoint.token}`;
  return headers;
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
