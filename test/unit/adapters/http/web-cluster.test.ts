import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import request from "supertest";
import { fakeControl } from "../../../support/control-services.ts";
import { FakeCluster } from "../../../support/fake-cluster.ts";

async function website() {
  const control = await fakeControl();
  const app = control.app({ web: true });
  const token = await control.token("operator");
  const login = await request(app).post("/login").type("form").send({ token }).expect(303);
  const cookie = String((login.headers["set-cookie"] as unknown as string[])[0]).split(";")[0] ?? "";
  const member = (name: string, host: number, roles: string[]) => ({
    apiVersion: "muster/v1",
    kind: "Machine",
    metadata: { name },
    spec: { mac: `52:54:00:12:34:${host}`, cluster: "lab", roles, address: `10.20.0.${host}` },
  });
  const documents = [
    {
      apiVersion: "muster/v1",
      kind: "Cluster",
      metadata: { name: "lab" },
      spec: { endpoint: { address: "10.20.0.9" }, pki: { keyAlgorithm: "ECDSA-P256" } },
    },
    ...[10, 11, 12].map((host) => member(`kube${host}`, host, ["control-plane"])),
    member("work20", 20, ["worker"]),
  ];
  await request(app)
    .post("/api/v1/apply")
    .set({ Authorization: `Bearer ${token}` })
    .send({ documents })
    .expect(200);
  const cluster = control.services.resources.clusters.get("lab")!;
  Object.assign(control.fakeCluster, FakeCluster.complete(cluster));
  return { control, app, cookie, cluster };
}

test("S0-10 the page of a cluster shows its machines with role and Node, its problems, and what it may lose", async () => {
  const { app, cookie, control, cluster } = await website();
  control.fakeCluster.node("work20", { ready: false, reason: "<b>cni</b> plugin not initialized" });
  await control.services.clusters.status(cluster);
  const page = await request(app).get("/clusters/lab").set("Cookie", cookie).expect(200);
  assert.match(page.text, /1 problem, 3 of 4 nodes ready/);
  assert.match(page.text, /node work20 is not ready: &lt;b&gt;cni/);
  assert.match(page.text, /<dt>Roles<\/dt><dd>control-plane<\/dd>/);
  assert.match(page.text, /<dd>Ready, API server ready<\/dd>/);
  assert.match(page.text, /<dd>healthy, leads<\/dd>/);
  assert.match(page.text, /<td>etcd<\/td>\s*<td[^>]*>3<\/td><td[^>]*>3<\/td><td[^>]* class="holds">1<\/td>/);
  assert.match(page.text, /10\.20\.0\.9:8443<\/code> is ready/);
});

test("the first page names every cluster and how it is", async () => {
  const { app, cookie } = await website();
  const page = await request(app).get("/").set("Cookie", cookie).expect(200);
  assert.match(page.text, /class="cluster busy" href="\/clusters\/lab"/);
});

test("a cluster that does not exist is a page that says so; without a session there is none", async () => {
  const { app, cookie } = await website();
  await request(app).get("/clusters/prod").set("Cookie", cookie).expect(404);
  await request(app).get("/clusters/lab").expect(303).expect("Location", "/login");
});

test("an open page hears of every look at a cluster", async (t) => {
  const { app, cookie, control, cluster } = await website();
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    control.stopping.abort();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const asking = get({ port, path: "/live", headers: { cookie } });
  const [feed] = (await once(asking, "response")) as [IncomingMessage];
  feed.setEncoding("utf8");
  let text = "";
  feed.on("data", (chunk: string) => (text += chunk));
  await once(feed, "data");
  await control.services.clusters.status(cluster);
  while (!text.includes("event: cluster")) await once(feed, "data");
  assert.match(text, /event: cluster\ndata: \{"name":"lab"\}/);
});
