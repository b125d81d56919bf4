/** The web page in a real browser: its forms, its live tiles, its confirmations. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import request from "supertest";
import { Browser } from "../support/browser.ts";
import { type FakeControl, fakeControl } from "../support/control-services.ts";
import { FAINT_TEXTS } from "../support/faint-texts.ts";
import { FakeCluster } from "../support/fake-cluster.ts";
import { needsPrograms } from "../support/netns.ts";

const FINISHED = {
  type: "install-finished",
  disks: [{ path: "/dev/vda", sizeBytes: 8_000_000_000 }],
} as const;

async function website(t: TestContext): Promise<{ readonly control: FakeControl; readonly url: string }> {
  const directory = mkdtempSync(path.join(tmpdir(), "muster-page-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const files = ["-keyout", `${directory}/key.pem`, "-out", `${directory}/cert.pem`];
  const kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";
  execFileSync("openssl", [...kind.split(" "), ...files], { stdio: "ignore" });
  const control = await fakeControl();
  const server = createServer(
    { key: readFileSync(`${directory}/key.pem`), cert: readFileSync(`${directory}/cert.pem`) },
    control.app({ web: true }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { control, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("a person logs in, registers a machine, watches its tile change by itself and reimages it by typing its name", async (t) => {
  if (needsPrograms(t, "chromium", "openssl")) return;
  const { control, url } = await website(t);
  const { registry } = control;
  const browser = await Browser.open(t);
  await browser.go(`${url}/`);
  await browser.until('location.pathname === "/login"');
  await browser.submit('form[action="/login"]', { token: await control.token("operator") });
  await browser.submit('form[action="/register"]', { mac: "52:54:00:12:34:01", name: "kube0" });
  await browser.until('document.querySelector("#machine-kube0")?.dataset.state === "registered"');
  assert.equal(registry.byName("kube0")?.spec.mac, "52:54:00:12:34:01");

  await browser.value("window.stayed = true");
  const apply = async (event: Parameters<typeof registry.apply>[1]): Promise<void> => {
    const outcome = await registry.apply("kube0", event, "test");
    assert.ok(outcome.ok);
  };
  await apply({ type: "installer-booted" });
  await apply({ type: "stage-reported", stage: "partitioning" });
  await browser.until(
    'document.querySelector("#machine-kube0 .state").textContent.includes("preparing the disk")',
  );
  await apply(FINISHED);
  await apply({ type: "node-reported", generation: 1 });
  await browser.until('document.querySelector("#machine-kube0").dataset.state === "installed"');
  await browser.until('document.querySelector("#counts").textContent === "1 installed"');
  assert.equal(await browser.value("window.stayed"), true, "the page was never loaded again");

  await browser.value('document.querySelector("#machine-kube0 a").click()');
  const form = 'form[action="/machines/kube0/reimage"]';
  await browser.until(`document.querySelector('${form}') !== null`);
  await browser.submit(form, { confirm: "kube1" });
  await browser.until('document.querySelector("[role=alert]") !== null');
  assert.equal(registry.byName("kube0")?.generation, 1, "another name confirms nothing");
  await browser.submit(form, { confirm: "kube0" });
  await browser.until('document.querySelector(".tile").dataset.state === "registered"');
  assert.equal(registry.byName("kube0")?.generation, 2);
});

/** Three control planes and a worker as documents, like `muster apply` sends them. */
function clusterDocuments(): readonly object[] {
  const machine = (name: string, host: number, roles: readonly string[]) => ({
    apiVersion: "muster/v1",
    kind: "Machine",
    metadata: { name },
    spec: { mac: `52:54:00:12:34:${host}`, cluster: "lab", roles, address: `10.20.0.${host}` },
  });
  const spec = { endpoint: { address: "10.20.0.9" }, pki: { keyAlgorithm: "ECDSA-P256" } };
  return [
    { apiVersion: "muster/v1", kind: "Cluster", metadata: { name: "lab" }, spec },
    ...[10, 11, 12].map((host) => machine(`kube${host}`, host, ["control-plane"])),
    machine("work20", 20, ["worker"]),
  ];
}

test("S0-10 the page of a cluster is readable on a desk and on a phone, by day and by night, and follows the cluster", async (t) => {
  if (needsPrograms(t, "chromium", "openssl")) return;
  const { control, url } = await website(t);
  const token = await control.token("operator");
  const applied = await request(control.app({ web: true }))
    .post("/api/v1/apply")
    .set({ Authorization: `Bearer ${token}` })
    .send({ documents: clusterDocuments() });
  assert.equal(applied.status, 200, applied.text);
  const cluster = control.services.resources.clusters.get("lab");
  assert.ok(cluster);
  // The cluster behind the page is a fake: what it answers is the test's, what becomes of it is the appliance's.
  Object.assign(control.fakeCluster, FakeCluster.complete(cluster));
  await control.services.clusters.status(cluster);

  const browser = await Browser.open(t);
  await browser.go(`${url}/login`);
  await browser.submit('form[action="/login"]', { token });
  await browser.until('document.querySelector("a.cluster") !== null');
  await browser.value('document.querySelector("a.cluster").click()');
  await browser.until('document.body.innerText.includes("4 of 4 nodes ready")');

  await browser.value("window.stayed = true");
  control.clock.advance(60_000);
  control.fakeCluster.node("work20", { ready: false, reason: "cni plugin not initialized" });
  await control.services.clusters.status(cluster);
  await browser.until('document.body.innerText.includes("node work20 is not ready")');

  for (const width of [1280, 390]) {
    for (const scheme of ["light", "dark"] as const) {
      await browser.screen({ width, scheme });
      // For people who want to look: MUSTER_PICTURES names a directory.
      const folder = process.env["MUSTER_PICTURES"];
      if (folder !== undefined)
        writeFileSync(path.join(folder, `cluster-${width}-${scheme}.png`), await browser.picture());
      const sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
      assert.equal(await browser.value(sideways), 0, `${width} px: something stands out to the side`);
      assert.deepEqual(await browser.value(FAINT_TEXTS), [], `${scheme}: texts with too little contrast`);
    }
  }
});
