import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { shellAssignments } from "../../src/domain/install/shell.ts";
import { nodeReportSchema } from "../../src/services/node-reports.ts";

const SCRIPT = join(import.meta.dirname, "../../boot-templates/first-boot/report");

type Behaviour = "answer" | "drop" | "unavailable" | "approval" | "revoked";

interface Seen {
  readonly url: string;
  readonly body: Record<string, unknown>;
  readonly client: string | undefined;
}

/** An appliance that answers as told, and remembers. */
class ToldAppliance {
  readonly directory: string;
  readonly seen: Seen[] = [];
  /** What happens to the next requests, in order; after that they are answered. */
  readonly behaviours: Behaviour[] = [];
  readonly #servers: { close(): unknown; closeAllConnections(): void }[] = [];

  constructor(t: TestContext) {
    this.directory = mkdtempSync(join(tmpdir(), "muster-first-boot-"));
    mkdirSync(join(this.directory, "etc"));
    this.#authority("ca");
    this.#openssl(
      "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=appliance -addext subjectAltName=IP:127.0.0.1",
    );
    this.#openssl(
      "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 -copy_extensions copy -out server.pem",
    );
    t.after(() => {
      for (const server of this.#servers) {
        server.closeAllConnections();
        server.close();
      }
      rmSync(this.directory, { recursive: true });
    });
  }

  async start(): Promise<void> {
    const plain = http.createServer((_request, response) => response.end("ok\n")).listen(0, "127.0.0.1");
    const secure = https
      .createServer(
        {
          key: this.read("server.key"),
          cert: this.read("server.pem"),
          ca: this.read("ca.pem"),
          requestCert: true,
          rejectUnauthorized: false,
        },
        (request, response) => void this.#answer(request, response),
      )
      .listen(0, "127.0.0.1");
    this.#servers.push(plain, secure);
    await Promise.all([once(plain, "listening"), once(secure, "listening")]);
    const port = (server: http.Server | https.Server) => (server.address() as AddressInfo).port;
    writeFileSync(
      join(this.directory, "etc/settings"),
      shellAssignments({
        MACHINE: "kube0",
        GENERATION: 1,
        NODE_URL: `https://127.0.0.1:${port(secure)}/node/v1`,
        HEALTH_URL: `http://127.0.0.1:${port(plain)}/healthz`,
      }),
    );
    writeFileSync(join(this.directory, "etc/ca.pem"), this.read("ca.pem"));
    writeFileSync(join(this.directory, "etc/enrolment-secret"), "the-secret\n");
  }

  /** Puts another authority in the machine's place of trust. */
  distrust(): void {
    this.#authority("other");
    writeFileSync(join(this.directory, "etc/ca.pem"), this.read("other.pem"));
  }

  boot(): ChildProcess {
    return spawn("sh", [SCRIPT], {
      env: {
        ...process.env,
        MUSTER_ETC: join(this.directory, "etc"),
        MUSTER_STATE: join(this.directory, "state"),
        MUSTER_LONGEST_PAUSE: "1",
        MUSTER_MEMBER: join(this.directory, "member"),
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  /** One boot to the end of the script: its exit status and what stood on the console. */
  async bootToTheEnd(): Promise<{ readonly code: number; readonly console: string }> {
    const child = this.boot();
    let console = "";
    child.stdout?.on("data", (text: Buffer) => (console += text.toString()));
    const [code] = (await once(child, "close")) as [number];
    return { code, console };
  }

  read(name: string): string {
    return readFileSync(join(this.directory, name), "utf8");
  }

  has(name: string): boolean {
    return existsSync(join(this.directory, name));
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const socket = request.socket as Partial<TLSSocket>;
    const client = socket.authorized === true ? String(socket.getPeerCertificate?.().subject.CN) : undefined;
    this.seen.push({ url: request.url ?? "", body: JSON.parse(text) as Record<string, unknown>, client });
    const behaviour = this.behaviours.shift() ?? "answer";
    if (behaviour === "drop") request.socket.destroy();
    else if (behaviour === "approval")
      response.writeHead(503).end('{"detail":"waiting for approval: approval code 12AB-34CD; wait"}');
    else if (behaviour === "revoked") response.writeHead(403).end('{"detail":"it was revoked"}');
    else if (behaviour === "unavailable") response.writeHead(503).end('{"detail":"waiting for approval"}');
    else if (request.url === "/node/v1/enrol")
      response.end(JSON.stringify({ certificate: this.#sign(text), authority: "x" }));
    else response.writeHead(client === undefined ? 401 : 200).end("{}");
  }

  #sign(body: string): string {
    writeFileSync(join(this.directory, "node.csr"), (JSON.parse(body) as { csr: string }).csr);
    return this.#openssl("x509 -req -in node.csr -CA ca.pem -CAkey ca.key -days 2");
  }

  #authority(name: string): void {
    this.#openssl(
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -out ${name}.pem -days 2 -subj /CN=${name}`,
    );
  }

  #openssl(args: string): string {
    return execFileSync("openssl", args.split(" "), {
      cwd: this.directory,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  }
}

function toolsMissing(t: TestContext): boolean {
  const missing = ["curl", "openssl", "lsblk", "ip"].filter(
    (tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0,
  );
  if (missing.length) t.skip(`needs the programs ${missing.join(", ")}`);
  return missing.length > 0;
}

const keysAsked = (appliance: ToldAppliance) =>
  new Set(
    appliance.seen
      .filter(({ url }) => url.endsWith("/enrol"))
      .map(({ body }) => {
        const key = execFileSync("openssl", ["req", "-noout", "-pubkey"], {
          input: String(body["csr"]),
          stdio: ["pipe", "pipe", "ignore"],
        });
        return createHash("sha256").update(key).digest("hex");
      }),
  );

test("DESIGN-3.7 first boot enrols once, reports with its certificate and forgets the secret", async (t) => {
  if (toolsMissing(t)) return;
  const appliance = new ToldAppliance(t);
  await appliance.start();
  const first = await appliance.bootToTheEnd();
  assert.equal(first.code, 0, first.console);
  assert.deepEqual(
    appliance.seen.map(({ url }) => url),
    ["/node/v1/enrol", "/node/v1/report"],
  );
  const [enrol, report] = appliance.seen;
  assert.equal(enrol?.body["secret"], "the-secret");
  assert.equal(report?.client, "kube0");
  const parsed = nodeReportSchema.parse(report.body);
  assert.equal(parsed.event, "installed");
  assert.equal(typeof parsed.facts?.["kernel"], "string");
  assert.ok(Array.isArray(parsed.facts?.["nics"]));
  assert.equal(appliance.has("etc/enrolment-secret"), false);

  const second = await appliance.bootToTheEnd();
  assert.equal(second.code, 0);
  assert.deepEqual(
    appliance.seen.slice(2).map(({ url }) => url),
    ["/node/v1/report"],
    "later boots only report",
  );
});

test("DESIGN-5.15 lost answers and refusals are outlasted with one key, and said on the console", async (t) => {
  if (toolsMissing(t)) return;
  const appliance = new ToldAppliance(t);
  await appliance.start();
  appliance.behaviours.push("unavailable", "drop", "answer", "drop", "unavailable", "answer");
  const { code, console } = await appliance.bootToTheEnd();
  assert.equal(code, 0, console);
  assert.match(
    console,
    /waiting: the appliance has not enrolled this machine yet \(it answered 503 to enrol: waiting for approval\)/,
  );
  assert.equal(keysAsked(appliance).size, 1);
  assert.equal(appliance.seen.filter(({ url }) => url.endsWith("/report")).length, 3);
});

test("DESIGN-3.7 in a hostile network the approval code stands on the console once, with what to do", async (t) => {
  if (toolsMissing(t)) return;
  const appliance = new ToldAppliance(t);
  await appliance.start();
  appliance.behaviours.push("approval", "approval", "drop");
  const { code, console } = await appliance.bootToTheEnd();
  assert.equal(code, 0, console);
  assert.equal(console.match(/^muster: APPROVAL CODE 12AB-34CD$/gm)?.length, 1, console);
  assert.match(
    console,
    /`muster describe kube0` show the same code\? Then this is the machine: run `muster confirm kube0`/,
  );
});

test("DESIGN-5.6 a refused report asks the node script whether this machine was declared gone, and ends when it was", async (t) => {
  if (toolsMissing(t)) return;
  const appliance = new ToldAppliance(t);
  await appliance.start();
  const member = (text: string): void =>
    writeFileSync(join(appliance.directory, "member"), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  member(`echo "asked: $*"; exit 1`);
  appliance.behaviours.push("answer", "revoked", "unavailable");
  const other = await appliance.bootToTheEnd();
  assert.equal(other.code, 0, "refused for another reason it goes on asking");
  assert.equal(other.console.match(/^asked: refused$/gm)?.length, 1, other.console);
  assert.match(other.console, /it answered 403 to report: it was revoked/);
  member("exit 0");
  const before = appliance.seen.length;
  appliance.behaviours.push("revoked");
  assert.equal((await appliance.bootToTheEnd()).code, 0);
  assert.equal(appliance.seen.length, before + 1);
});

test("DESIGN-5.15 a power cut at every request: the machine goes on with the key it made", async (t) => {
  if (toolsMissing(t)) return;
  const appliance = new ToldAppliance(t);
  await appliance.start();
  for (let cut = 1; cut <= 3; cut++) {
    appliance.behaviours.push("drop");
    const child = appliance.boot();
    const before = appliance.seen.length;
    while (appliance.seen.length === before) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGKILL");
    await once(child, "close");
  }
  const { code } = await appliance.bootToTheEnd();
  assert.equal(code, 0);
  assert.equal(keysAsked(appliance).size, 1);
  assert.equal(appliance.has("etc/enrolment-secret"), false);
});

test("DESIGN-3.7 the secret is told to nobody but the appliance's own authority", async (t) => {
  if (toolsMissing(t)) return;
  const appliance = new ToldAppliance(t);
  await appliance.start();
  appliance.distrust();
  const child = appliance.boot();
  let console = "";
  child.stdout?.on("data", (text: Buffer) => (console += text.toString()));
  while (!console.includes("not reached")) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  await once(child, "close");
  assert.deepEqual(appliance.seen, []);
  assert.equal(appliance.has("etc/enrolment-secret"), true);
});
