import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { ControlServer } from "../../../../src/adapters/http/control-server.ts";
import { FailureLimit } from "../../../../src/adapters/http/failure-limit.ts";
import { openAuthority } from "../../../../src/adapters/pki/authority.ts";
import { nodeCertifier } from "../../../../src/adapters/pki/node-certifier.ts";
import { serverCredentials } from "../../../../src/adapters/pki/server-certificate.ts";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import { Enrolment } from "../../../../src/services/enrolment.ts";
import { NodeIdentities } from "../../../../src/services/node-identities.ts";
import { fakeControl } from "../../../support/control-services.ts";

const run = promisify(execFile);
const endings: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of endings.reverse()) await end();
});

async function appliance() {
  const directory = await mkdtemp(join(tmpdir(), "muster-node-"));
  endings.push(() => rm(directory, { recursive: true }));
  const control = await fakeControl();
  // Certificates are judged by the TLS library's own clock.
  control.clock.jump(Date.now() - control.clock.now());
  const { registry, store, events, clock, log } = control;
  const authority = await openAuthority({ directory, clock });
  const base = { store: store.identities, machines: registry, events, clock };
  const enrolment = new Enrolment({
    ...base,
    certifier: nodeCertifier(authority),
    key: Buffer.alloc(32, 1),
    bootNetwork: "trusted",
  });
  const reported: unknown[] = [];
  const node = {
    enrolment,
    identities: new NodeIdentities({ ...base, log }),
    reports: {
      accept: (from: { machine: string; generation: number }, body: unknown) => {
        reported.push({ from, body });
        return Promise.resolve({ kind: "acknowledged" as const, machine: from.machine, repeated: false });
      },
    },
    failures: new FailureLimit({ clock, limit: 3 }),
  };
  const server = new ControlServer({
    port: 0,
    socketPath: join(directory, "muster.sock"),
    overHttps: control.app({ node }),
    overSocket: control.app({ trust: { kind: "local" } }),
    authority: authority.certificate,
    credentials: () => serverCredentials({ directory, authority, clock, names: [] }),
    log,
  });
  await server.start();
  endings.push(() => server.stop());
  await registry.register(
    { name: "kube0", spec: machineSpecSchema.parse({ mac: "52:54:00:12:34:01" }) },
    "test",
  );
  await registry.apply("kube0", { type: "installer-booted" }, "test");
  await registry.apply(
    "kube0",
    { type: "install-finished", disks: [{ path: "/dev/sda", sizeBytes: 1 }] },
    "test",
  );
  return { ...control, directory, authority, enrolment, server, reported };
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function post(port: number, path: string, body: unknown, options: RequestOptions): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = requestHttps({ host: "localhost", port, path, method: "POST", ...options }, resolve);
    request.on("error", reject).end(JSON.stringify(body));
  });
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk as string;
  return { status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> };
}

async function newKey(directory: string, name: string) {
  const key = join(directory, `${name}.key`);
  const args = [
    "req",
    "-new",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    key,
    "-subj",
    "/CN=x",
  ];
  const { stdout } = await run("openssl", args);
  return { key: await readFile(key, "utf8"), csr: stdout };
}

test("a machine enrols over TLS pinned to the appliance's CA, and reports with its own certificate", async () => {
  const { server, authority, enrolment, directory, reported } = await appliance();
  const port = server.port ?? 0;
  const ca = authority.certificate;
  const { key, csr } = await newKey(directory, "node");
  const secret = await enrolment.secretFor("kube0", 1);
  const enrolled = await post(
    port,
    "/node/v1/enrol",
    { machine: "kube0", generation: 1, secret, csr },
    { ca },
  );
  assert.equal(enrolled.status, 200);
  const cert = String(enrolled.body.certificate);
  assert.equal(new X509Certificate(cert).subject, "OU=generation 1\nCN=kube0");
  const report = await post(port, "/node/v1/report", { event: "installed" }, { ca, cert, key });
  assert.deepEqual(report, { status: 200, body: { machine: "kube0", repeated: false } });
  assert.deepEqual(reported, [{ from: { machine: "kube0", generation: 1 }, body: { event: "installed" } }]);
});

test("a report without a certificate, or with somebody else's, is not even read", async () => {
  const { server, authority, directory, reported } = await appliance();
  const port = server.port ?? 0;
  const ca = authority.certificate;
  assert.equal((await post(port, "/node/v1/report", {}, { ca })).status, 401);
  const elsewhere = await mkdtemp(join(tmpdir(), "muster-other-"));
  endings.push(() => rm(elsewhere, { recursive: true }));
  const { csr, key } = await newKey(directory, "other");
  const other = await openAuthority({
    directory: elsewhere,
    clock: { now: () => Date.now(), monotonic: () => 0 },
  });
  const foreign = nodeCertifier(other);
  const read = foreign.read(csr);
  assert.ok(read.kind === "proven");
  const issued = foreign.certify({ machine: "kube0", generation: 1, publicKey: read.request.publicKey });
  assert.equal((await post(port, "/node/v1/report", {}, { ca, cert: issued.pem, key })).status, 401);
  const server2 = await readFile(join(directory, "server.crt"), "utf8");
  const own = { ca, cert: server2, key: await readFile(join(directory, "server.key"), "utf8") };
  assert.equal(
    (await post(port, "/node/v1/report", {}, own)).status,
    401,
    "the server's own certificate names no machine",
  );
  assert.deepEqual(reported, []);
});

test("wrong secrets are slowed down; a body that does not fit says why", async () => {
  const { server, authority } = await appliance();
  const port = server.port ?? 0;
  const ca = authority.certificate;
  const wrong = { machine: "kube0", generation: 1, secret: "wrong", csr: "x" };
  for (let count = 0; count < 3; count++) {
    assert.equal((await post(port, "/node/v1/enrol", wrong, { ca })).status, 403);
  }
  assert.equal((await post(port, "/node/v1/enrol", wrong, { ca })).status, 429);
});

test("an enrolment that does not fit names its faults", async () => {
  const { server, authority } = await appliance();
  const { status, body } = await post(
    server.port ?? 0,
    "/node/v1/enrol",
    { machine: "kube0", secrte: "x" },
    { ca: authority.certificate },
  );
  assert.equal(status, 422);
  assert.match(JSON.stringify(body.faults), /did you mean \\"secret\\"/);
});

test("TLS 1.1 is refused, 1.2 and 1.3 are served", async () => {
  const { server, authority } = await appliance();
  const handshake = (version: "TLSv1.1" | "TLSv1.2" | "TLSv1.3") =>
    new Promise<string>((resolve) => {
      const socket = connect({
        host: "localhost",
        port: server.port ?? 0,
        ca: authority.certificate,
        minVersion: version,
        maxVersion: version,
        ciphers: "DEFAULT:@SECLEVEL=0",
      });
      socket.once("secureConnect", () => {
        resolve(socket.getProtocol() ?? "");
        socket.destroy();
      });
      socket.once("error", () => resolve("refused"));
    });
  assert.equal(await handshake("TLSv1.1"), "refused");
  assert.equal(await handshake("TLSv1.2"), "TLSv1.2");
  assert.equal(await handshake("TLSv1.3"), "TLSv1.3");
});

test("the unix socket can be opened by its owner only, and needs no token", async () => {
  const { directory } = await appliance();
  const path = join(directory, "muster.sock");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const response = await new Promise<IncomingMessage>((resolve) => {
    requestHttp({ socketPath: path, path: "/api/v1/machines" }, resolve).end();
  });
  assert.equal(response.statusCode, 200);
  response.resume();
});

test("a second appliance on the same data is refused, a socket left by a crash is not", async () => {
  const { directory, authority, clock, log, server } = await appliance();
  const again = new ControlServer({
    port: 0,
    socketPath: join(directory, "muster.sock"),
    overHttps: () => undefined,
    overSocket: () => undefined,
    authority: authority.certificate,
    credentials: () => serverCredentials({ directory, authority, clock, names: [] }),
    log,
  });
  await assert.rejects(again.start(), /another appliance serves/);
  await server.stop();
  await writeFile(join(directory, "muster.sock"), "");
  await again.start();
  await again.stop();
});

test("a taken HTTPS port ends the start with one sentence and leaves nothing open", async () => {
  const { directory, authority, clock, log } = await appliance();
  const squatter = createServer().listen(0);
  const { port } = squatter.address() as { port: number };
  const socketPath = join(directory, "second.sock");
  const server = new ControlServer({
    port,
    socketPath,
    overHttps: () => undefined,
    overSocket: () => undefined,
    authority: authority.certificate,
    credentials: () => serverCredentials({ directory, authority, clock, names: [] }),
    log,
  });
  await assert.rejects(server.start(), new RegExp(`TCP port ${port} is taken by .*https\\.port`));
  assert.deepEqual(
    server.status().map(({ state }) => state),
    ["off", "off"],
  );
  await assert.rejects(stat(socketPath), { code: "ENOENT" });
  squatter.close();
});

test("a certificate that is renewed while the appliance runs is served without a restart", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { directory, authority, clock, log } = await appliance();
  let names: readonly string[] = [];
  const server = new ControlServer({
    port: 0,
    socketPath: join(directory, "renewed.sock"),
    overHttps: (_request, response) => void response.end(),
    overSocket: () => undefined,
    authority: authority.certificate,
    credentials: () => serverCredentials({ directory, authority, clock, names }),
    log,
  });
  await server.start();
  const served = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: "localhost", port: server.port ?? 0, ca: authority.certificate });
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName ?? "");
        socket.destroy();
      });
    });
  assert.doesNotMatch(await served(), /10\.0\.0\.7/);
  names = ["10.0.0.7"];
  t.mock.timers.tick(6 * 3_600_000);
  while (!log.lines.some(({ message }) => message.includes("was renewed"))) await new Promise(setImmediate);
  assert.match(await served(), /10\.0\.0\.7/);
  await server.stop();
});
