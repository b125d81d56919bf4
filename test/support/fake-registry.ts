/** A registry in memory: manifests and blobs by digest, a token server where wanted, and every request on record. */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { LoopbackServer } from "./loopback-server.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const IMAGE = "application/vnd.oci.image.manifest.v1+json";

export interface FakeImage {
  readonly index: string;
  /** Digest of the manifest by platform. */
  readonly manifests: ReadonlyMap<string, string>;
  readonly layer: string;
}

export class FakeRegistry extends LoopbackServer {
  /** `METHOD path` of every request, the token server's included. */
  readonly requests: string[] = [];
  /** Blobs and manifests by digest; a test may put wrong bytes under a right name. */
  readonly content = new Map<string, { readonly type: string; readonly bytes: Buffer }>();
  readonly tags = new Map<string, string>();
  /** When set, only bearer tokens given for these credentials (or for nobody's, when empty) are let in. */
  tokens: { readonly username: string; readonly password: string; readonly seconds?: number } | undefined;
  /** When set, only these Basic credentials are let in. */
  basic: { readonly username: string; readonly password: string } | undefined;
  /** Every answer is this status. */
  failing: number | undefined;
  #issued = 0;

  /** Puts an image of two platforms under `name:tag`. */
  push(name: string, tag: string, text = "layer"): FakeImage {
    const layer = this.put("application/vnd.oci.image.layer.v1.tar+gzip", Buffer.from(text));
    const manifests = new Map(
      ["linux/amd64", "linux/arm64"].map((platform) => [platform, this.#pushPlatform(platform, layer)]),
    );
    const entries = [...manifests].map(([platform, digest]) => {
      const [os, architecture] = platform.split("/");
      return {
        mediaType: IMAGE,
        digest,
        size: this.content.get(digest)!.bytes.length,
        platform: { os, architecture },
      };
    });
    const index = this.put(INDEX, json({ schemaVersion: 2, mediaType: INDEX, manifests: entries }));
    this.tags.set(`${name}:${tag}`, index);
    return { index, manifests, layer };
  }

  put(type: string, bytes: Buffer): string {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    this.content.set(digest, { type, bytes });
    return digest;
  }

  #pushPlatform(platform: string, layer: string): string {
    const config = this.put("application/vnd.oci.image.config.v1+json", json({ platform }));
    const descriptor = (digest: string) => {
      const { type, bytes } = this.content.get(digest)!;
      return { mediaType: type, digest, size: bytes.length };
    };
    // Without a mediaType of its own, as some builders leave it.
    return this.put(
      IMAGE,
      json({ schemaVersion: 2, config: descriptor(config), layers: [descriptor(layer)] }),
    );
  }

  protected override answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://registry");
    this.requests.push(`${request.method ?? ""} ${url.pathname}`);
    if (this.failing !== undefined) response.writeHead(this.failing).end();
    else if (url.pathname === "/token") this.#issue(request, response, url);
    else if (this.#refused(request)) this.#challenge(response, url);
    else this.#send(request, response, url);
  }

  #issue(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const { username = "", password = "", seconds } = this.tokens ?? {};
    const wanted = username === "" ? undefined : basicHeader(username, password);
    if (wanted !== undefined && request.headers.authorization !== wanted) {
      response.writeHead(401).end();
      return;
    }
    this.#issued += 1;
    const token = `${url.searchParams.get("scope") ?? ""}#${this.#issued}`;
    response.end(json({ token: Buffer.from(token).toString("base64url"), expires_in: seconds ?? 300 }));
  }

  #refused({ headers, url = "" }: IncomingMessage): boolean {
    const { authorization = "" } = headers;
    if (this.basic) return authorization !== basicHeader(this.basic.username, this.basic.password);
    if (!this.tokens) return false;
    const scope = Buffer.from(authorization.replace("Bearer ", ""), "base64url").toString();
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(url)?.[1] ?? "";
    return !scope.startsWith(`repository:${repository}:pull#`);
  }

  #challenge(response: ServerResponse, url: URL): void {
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(url.pathname)?.[1] ?? "";
    const scope = `repository:${repository}:pull`;
    const header = this.basic
      ? 'Basic realm="registry"'
      : `Bearer realm="${this.url}/token",service="registry",scope="${scope}"`;
    response.writeHead(401, { "WWW-Authenticate": header }).end();
  }

  #send(request: IncomingMessage, response: ServerResponse, { pathname }: URL): void {
    const [, name = "", , reference = ""] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(pathname) ?? [];
    const digest = reference.startsWith("sha256:") ? reference : this.tags.get(`${name}:${reference}`);
    const found = this.content.get(digest ?? "");
    if (!found || digest === undefined) {
      response.writeHead(404, { "Content-Type": "application/json" }).end('{"errors":[]}');
      return;
    }
    const headers = { "Content-Type": found.type, "Docker-Content-Digest": digest };
    response.writeHead(200, { ...headers, "Content-Length": found.bytes.length });
    response.end(request.method === "HEAD" ? undefined : found.bytes);
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
