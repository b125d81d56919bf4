/** `/v2/…`: container images for machines and people (OCI distribution specification 1.1, pull only). */
import type { RequestHandler, Response } from "express";
import { MusterError } from "../../domain/errors.ts";
import { type RegistryRequest, readRegistryPath } from "../../domain/images/registry-path.ts";
import type { Log } from "../../services/ports.ts";
import type { BlockCache } from "../http/block-cache.ts";
import { type Exchange, sendMirrored } from "../http/send-mirrored.ts";
import { decodePath } from "../http/url-path.ts";
import type { BlobRequest, ImageStore, ManifestRequest } from "./image-store.ts";
import type { RegistryAccess } from "./registry-access.ts";
import { registryErrorOf, sendRegistryError } from "./registry-error.ts";

export interface RegistryRoutesOptions {
  readonly images: ImageStore;
  readonly access: RegistryAccess;
  readonly cache: BlockCache;
  readonly log: Log;
}

const VERSION_HEADER = { "Docker-Distribution-API-Version": "registry/2.0" };

const INVALID = {
  name: {
    code: "NAME_INVALID",
    message: "this names no repository: ask for /v2/<registry>/<name>/…, or add ?ns=<registry>",
  },
  reference: { code: "TAG_INVALID", message: "this is neither a tag nor a sha256 digest" },
  digest: { code: "DIGEST_INVALID", message: "this is no sha256 digest" },
} as const;

/** The handler for everything below `/v2`. */
export function registryRoutes(options: RegistryRoutesOptions): RequestHandler {
  return async (request, response) => {
    response.set(VERSION_HEADER);
    const admission = await options.access(request);
    if (admission.kind === "refused") {
      refuse(response, admission);
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      const message = "this registry is read only";
      sendRegistryError(response, {
        status: 405,
        code: "UNSUPPORTED",
        message,
        headers: { Allow: "GET, HEAD" },
      });
      return;
    }
    const path = decodePath(request.url)?.slice(1) ?? "\\";
    const { ns } = request.query;
    const asked = readRegistryPath(path, typeof ns === "string" && ns !== "" ? ns : undefined);
    await answer(options, { request, response, cache: options.cache }, asked);
  };
}

type Answering = Exchange & { readonly response: Response };

async function answer(
  options: RegistryRoutesOptions,
  exchange: Answering,
  asked: RegistryRequest,
): Promise<void> {
  const { response } = exchange;
  switch (asked.kind) {
    case "base":
      response.json({});
      return;
    case "manifest":
      await guarded(options, response, "MANIFEST_UNKNOWN", () => sendManifest(options, exchange, asked));
      return;
    case "blob":
      await guarded(options, response, "BLOB_UNKNOWN", () => sendBlob(options, exchange, asked));
      return;
    case "invalid":
      sendRegistryError(response, { status: 400, ...INVALID[asked.what] });
      return;
    case "unsupported":
      sendRegistryError(response, {
        status: 404,
        code: "UNSUPPORTED",
        message: "manifests and blobs are all there is",
      });
  }
}

async function sendManifest(
  { images }: RegistryRoutesOptions,
  exchange: Answering,
  asked: ManifestRequest,
): Promise<void> {
  const { request, response } = exchange;
  const { digest, mediaType, bytes } = await images.manifest(asked);
  const headers = { "Docker-Content-Digest": digest, ETag: `"${digest}"`, "Content-Type": mediaType };
  const same = request.headers["if-none-match"]?.includes(digest) === true;
  if (same) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, "Content-Length": bytes.length });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

async function sendBlob(
  { images }: RegistryRoutesOptions,
  exchange: Answering,
  asked: BlobRequest,
): Promise<void> {
  const { request, response } = exchange;
  const headers = { "Docker-Content-Digest": asked.digest };
  if (request.method === "HEAD" && !(await images.holds(asked.digest))) {
    const length = await images.blobSize(asked);
    const type = { "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes" };
    response.writeHead(200, { ...headers, ...type, "Content-Length": length }).end();
    return;
  }
  await sendMirrored({ ...exchange, headers }, await images.blob(asked));
}

async function guarded(
  { log }: RegistryRoutesOptions,
  response: Response,
  unknown: "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN",
  send: () => Promise<void>,
): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const known = error instanceof MusterError;
    if (!known || error.code !== "not-found") {
      log.warn({ ...(known ? { reason: error.message } : { err: error }) }, "an image cannot be served");
    }
    sendRegistryError(response, registryErrorOf(error, unknown));
  }
}

const REFUSALS = { 401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS" } as const;

function refuse(
  response: Response,
  refusal: { readonly status: 401 | 403 | 429; readonly reason: string; readonly waitSeconds?: number },
): void {
  const { status, reason, waitSeconds } = refusal;
  const headers = {
    ...(status === 401 && { "WWW-Authenticate": 'Basic realm="muster"' }),
    ...(waitSeconds !== undefined && { "Retry-After": String(waitSeconds) }),
  };
  sendRegistryError(response, { status, code: REFUSALS[status], message: reason, headers });
}
