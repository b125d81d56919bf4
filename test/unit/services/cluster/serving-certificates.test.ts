import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { readRequestedNames } from "../../../../src/adapters/pki/requested-names.ts";
import { objectionTo, type ServingRequest } from "../../../../src/domain/cluster/serving-request.ts";
import { ServingCertificates } from "../../../../src/services/cluster/serving-certificates.ts";
import { aCluster } from "../../../support/clusters.ts";
import { FakeCluster } from "../../../support/fake-cluster.ts";
import { KeptEvents } from "../../../support/kept-events.ts";
import { KeptLog } from "../../../support/kept-log.ts";

const directory = mkdtempSync(join(tmpdir(), "muster-csr-"));
after(() => rmSync(directory, { recursive: true }));

const cluster = aCluster({ spec: { kubelet: { config: { serverTLSBootstrap: true } } } });
let fake: FakeCluster;
let events: KeptEvents;
let serving: ServingCertificates;

beforeEach(() => {
  fake = FakeCluster.complete(cluster);
  events = new KeptEvents();
  serving = new ServingCertificates({ access: fake, read: readRequestedNames, events, log: new KeptLog() });
});

/** What openssl makes of a subject and names, as a kubelet would. */
function csr(subject: string, names: string): string {
  const key = join(directory, "key.pem");
  return execFileSync(
    "openssl",
    [
      ...["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key],
      ...["-subj", subject, ...(names === "" ? [] : ["-addext", `subjectAltName=${names}`])],
    ],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
}

function pending(name: string, request: string, username = "system:node:work0"): void {
  fake.requests.push({
    name,
    signer: "kubernetes.io/kubelet-serving",
    username,
    groups: ["system:nodes", "system:authenticated"],
    usages: ["digital signature", "server auth"],
    request,
    state: "pending",
  });
}

const GOOD = "/O=system:nodes/CN=system:node:work0";

test("S2-29 a kubelet's serving certificate for its own name and address is approved", async () => {
  pending("csr-1", csr(GOOD, "DNS:work0,IP:10.20.0.20"));
  await serving.settle(cluster);
  assert.deepEqual(fake.approved, ["csr-1"]);
  assert.deepEqual(
    events.events.map(({ type, machine }) => [type, machine]),
    [["serving-certificate-approved", "work0"]],
  );
});

test("S2-29 a name or address of somebody else stays pending, and is told once", async () => {
  pending("csr-1", csr(GOOD, "DNS:work0,IP:10.20.0.9"));
  pending("csr-2", csr(GOOD, "DNS:kube0"));
  pending("csr-3", csr("/O=system:nodes/CN=system:node:kube0", "DNS:work0"));
  pending("csr-4", csr(GOOD, "DNS:work0,URI:spiffe://x"));
  await serving.settle(cluster);
  await serving.settle(cluster);
  assert.deepEqual(fake.approved, []);
  assert.deepEqual(
    events.events.map(({ level, message }) => `${level ?? ""} ${message}`),
    [
      "alarm did not approve csr-1 of system:node:work0: it asks for the address 10.20.0.9, and the inventory knows 10.20.0.20",
      "alarm did not approve csr-2 of system:node:work0: it asks for the name kube0",
      "alarm did not approve csr-3 of system:node:work0: its subject is not the sender's own",
      "alarm did not approve csr-4 of system:node:work0: it asks for names that are neither DNS names nor addresses",
    ],
  );
});

test("requests of other signers, and those of a cluster that makes none, are left alone", async () => {
  pending("csr-1", csr(GOOD, "DNS:work0"));
  fake.requests = fake.requests.map((each) => ({ ...each, signer: "kubernetes.io/kube-apiserver-client" }));
  await serving.settle(cluster);
  pending("csr-2", csr(GOOD, "DNS:work0"));
  await serving.settle(aCluster());
  assert.deepEqual([fake.approved, events.types], [[], []]);
});

test("a cluster that is silent is asked again another time", async () => {
  fake.alive = false;
  await serving.settle(cluster);
  assert.deepEqual(events.types, []);
});

const fits: ServingRequest = {
  username: "system:node:work0",
  groups: ["system:nodes"],
  usages: ["digital signature", "key encipherment", "server auth"],
  commonName: "system:node:work0",
  organisations: ["system:nodes"],
  dnsNames: ["work0"],
  addresses: ["10.20.0.20"],
  otherNames: 0,
};

for (const [what, change, objection] of [
  ["fits", {}, undefined],
  ["is from a stranger", { username: "system:node:evil" }, "system:node:evil is no machine of this cluster"],
  ["is from no node", { username: "jane" }, "jane is no machine of this cluster"],
  ["is from outside the group", { groups: [] }, "its sender is not in the group system:nodes"],
  ["wants another group", { organisations: ["system:masters"] }, "its subject is not the sender's own"],
  ["wants to be a client", { usages: ["client auth", "server auth"] }, "it is for client auth"],
  ["serves nothing", { usages: ["digital signature"] }, "it is for nothing that serves"],
  ["names nothing", { dnsNames: [], addresses: [] }, "it asks for no name at all"],
] as const satisfies readonly (readonly [string, Partial<ServingRequest>, string | undefined])[]) {
  test(`S2-29 a request that ${what}: ${objection ?? "approved"}`, () => {
    assert.equal(objectionTo({ ...fits, ...change }, cluster), objection);
  });
}

test("names are read from openssl's own requests, and nothing from what is no request", () => {
  assert.deepEqual(readRequestedNames(csr("/O=a/O=b/CN=c", "DNS:x.lan,IP:10.0.0.1,IP:fd00::1")), {
    commonName: "c",
    organisations: ["a", "b"],
    dnsNames: ["x.lan"],
    addresses: ["10.0.0.1", "fd00:0000:0000:0000:0000:0000:0000:0001"],
    otherNames: 0,
  });
  assert.deepEqual(readRequestedNames(csr("/CN=c", ""))?.dnsNames, []);
  for (const text of ["", "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----"])
    assert.equal(readRequestedNames(text), undefined);
});
