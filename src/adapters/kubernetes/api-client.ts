/** A small client of the Kubernetes API: the endpoint that answered last is asked first, then every other one, once each. */
import { ClusterRefusedError, ClusterUnreachableError } from "../../services/cluster/cluster-errors.ts";
import type { ApiAddress } from "../../services/cluster/ports.ts";
import { type ClientCredentials, connectionFault, type TlsAnswer, tlsRequest } from "./tls-request.ts";

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly timeoutMs?: number;
}

/** What an API server answered: its JSON, or its refusal. */
export type ApiAnswer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: number; readonly reason: string; readonly message: string };

export interface ApiClientOptions {
  /** For messages. */
  readonly cluster: string;
  /** The endpoint, then each control plane. */
  readonly addresses: readonly ApiAddress[];
  readonly credentials: ClientCredentials;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 8000;

export class ApiClient {
  readonly #options: ApiClientOptions;
  #lastGood: ApiAddress | undefined;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  get credentials(): ClientCredentials {
    return this.#options.credentials;
  }

  /**
   * Sends one call. Every call of this program may be repeated: it creates under a name of its own choice, replaces or
   * removes. @throws ClusterUnreachableError when no API server answered.
   */
  async call(call: ApiCall): Promise<ApiAnswer> {
    const faults: string[] = [];
    let broken: ApiAnswer | undefined;
    for (const at of this.#order()) {
      const answer = await this.#callAt(at, call);
      if (answer.kind === "usable") {
        this.#lastGood = at;
        return answer.answer;
      }
      faults.push(`${at.address}:${at.port} ${answer.why}`);
      broken ??= answer.answer;
    }
    this.#lastGood = undefined;
    if (broken) return broken;
    const { cluster } = this.#options;
    throw new ClusterUnreachableError(
      faults.length === 0
        ? `cluster ${cluster} has no API server yet`
        : `no API server of cluster ${cluster} answers: ${faults.join("; ")}`,
    );
  }

  /** The answer's body; undefined for a 404. @throws ClusterRefusedError for any other refusal. */
  async get(path: string): Promise<unknown> {
    return bodyOf(await this.call({ method: "GET", path }), path);
  }

  #order(): readonly ApiAddress[] {
    const { addresses } = this.#options;
    const last = this.#lastGood;
    return last ? [last, ...addresses.filter((each) => each !== last)] : addresses;
  }

  async #callAt(at: ApiAddress, call: ApiCall): Promise<Heard> {
    const { credentials, timeoutMs = TIMEOUT_MS } = this.#options;
    try {
      const answer = await tlsRequest({
        ...at,
        credentials,
        method: call.method,
        path: call.path,
        timeoutMs: call.timeoutMs ?? timeoutMs,
        contentType: call.contentType,
        body: call.body === undefined ? undefined : JSON.stringify(call.body),
      });
      return readAnswer(answer);
    } catch (error) {
      return { kind: "useless", why: connectionFault(error) };
    }
  }
}

/** What one server said: an answer to go by, or why another one is asked, with its answer should none do better. */
type Heard =
  | { readonly kind: "usable"; readonly answer: ApiAnswer }
  | { readonly kind: "useless"; readonly why: string; readonly answer?: ApiAnswer };

/**
 * A server that is starting, stopping or without its etcd answers 5xx; another one may do better. A Status of 500 may also
 * mean what was sent: a manifest of the wrong type is answered so.
 */
function readAnswer({ status, text }: TlsAnswer): Heard {
  const body = parsed(text);
  if (status >= 200 && status < 300) {
    if (body !== undefined) return { kind: "usable", answer: { ok: true, body } };
    return { kind: "useless", why: "answers with something that is not JSON" };
  }
  const { kind, reason = "", message = text.slice(0, 200) } = (body ?? {}) as Partial<Record<string, string>>;
  const answer: ApiAnswer = { ok: false, status, reason, message };
  if (status < 500) return { kind: "usable", answer };
  const why = `answers ${status} ${message}`.trim();
  return status === 500 && kind === "Status" ? { kind: "useless", why, answer } : { kind: "useless", why };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A load balancer's own error page; the caller says what it means.
    return undefined;
  }
}

/** The body of an answer; undefined for a 404. @throws ClusterRefusedError for any other refusal. */
export function bodyOf(answer: ApiAnswer, what: string): unknown {
  if (answer.ok) return answer.body;
  if (answer.status === 404) return undefined;
  throw refusal(answer, what);
}

/** The error for an answer that nobody expected. */
export function refusal(
  answer: { readonly status: number; readonly reason: string; readonly message: string },
  what: string,
): ClusterRefusedError {
  const { status, reason, message } = answer;
  return new ClusterRefusedError(
    `the cluster refuses ${what}: ${status} ${reason} ${message}`.replaceAll(/ +/g, " "),
    { status, reason },
  );
}
