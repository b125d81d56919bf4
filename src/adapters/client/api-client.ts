/** Client of the appliance's HTTP API, over its unix socket or HTTPS. */
import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { request as requestHttps } from "node:https";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
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
  readonly upload?: Readable;
  readonly accept?: string;
  readonly signal?: AbortSignal;
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

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
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
    return readText(await this.#call({ method: "GET", path, accept: "*/*" }));
  }

  /** A body too large to hold: the caller consumes it. */
  async download(path: string): Promise<Readable> {
    return this.#call({ method: "GET", path, accept: "*/*", timeoutMs: 0 });
  }

  /** Sends a stream as it is and returns the JSON answered. */
  async upload<T>(path: string, upload: Readable): Promise<T> {
    const text = await readText(await this.#call({ method: "POST", path, upload, timeoutMs: 0 }));
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Messages of an event stream until the server ends it or `signal` is aborted. */
  async *follow(path: string, signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
    const response = await this.#call({
      method: "GET",
      path,
      accept: "text/event-stream",
      signal,
      timeoutMs: 0,
    });
    try {
      yield* readEvents(response);
    } catch (error) {
      if (!signal.aborted) throw unreachable(this.endpoint, error);
    } finally {
      response.destroy();
    }
  }

  async #json(call: Call): Promise<unknown> {
    const text = await readText(await this.#call(call));
    return text === "" ? undefined : JSON.parse(text);
  }

  async #call(call: Call): Promise<IncomingMessage> {
    const response = await this.#exchange(call);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw errorFromResponse(status, await readText(response));
  }

  #exchange(call: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = open(this.endpoint, call);
      request.once("response", resolve);
      request.once("error", (error) => reject(unreachable(this.endpoint, error)));
      request.once("timeout", () => request.destroy(new Error("no answer in time")));
      if (call.upload) {
        // A refusal may come before the whole body was sent; the response then says why, not the broken pipe.
        pipeline(call.upload, request).catch((error: unknown) => reject(unreachable(this.endpoint, error)));
      } else {
        request.end(call.body === undefined ? undefined : JSON.stringify(call.body));
      }
    });
  }
}

function open(endpoint: Endpoint, call: Call): ClientRequest {
  const options: RequestOptions = {
    method: call.method,
    path: `/api/v1/${call.path}`,
    headers: headersOf(endpoint, call),
    timeout: call.timeoutMs ?? ANSWER_TIMEOUT_MS,
    ...(call.signal && { signal: call.signal }),
  };
  if (endpoint.kind === "socket") return requestHttp({ ...options, socketPath: endpoint.path });
  const target = { ...options, host: endpoint.url.hostname.replace(/^\[|\]$/g, ""), port: endpoint.url.port };
  if (endpoint.url.protocol === "http:") return requestHttp(target);
  return requestHttps({ ...target, ...(endpoint.ca !== undefined && { ca: endpoint.ca }) });
}

function headersOf(endpoint: Endpoint, call: Call): Record<string, string> {
  const headers: Record<string, string> = { Accept: call.accept ?? "application/json" };
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  if (call.upload) headers["Content-Type"] = "application/octet-stream";
  if (endpoint.kind === "url" && endpoint.token) headers["Authorization"] = `Bearer ${endpoint.token}`;
  return headers;
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
