import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { stringify } from "yaml";
import { ClusterBed, needsClusterLab } from "../support/cluster/bed.ts";
import { addressOf, clusterFile, type LabMember } from "../support/cluster/lab-cluster.ts";
import { podOn, serviceOf, waitForPod } from "../support/cluster/pods.ts";

const ALONE: LabMember = { name: "c1", number: 11, roles: ["control-plane", "worker"] };
const SECONDS = 900;
const POOL = { first: "10.78.0.200", last: "10.78.0.210" } as const;

test("add-ons are installed with the cluster and do their work", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t, {}, { addons: true });
  const addons = [
    "metrics-server",
    "traefik",
    { name: "metallb", parameters: { addresses: [`${POOL.first}-${POOL.last}`] } },
  ];
  await bed.apply(clusterFile("lab", [ALONE], { addons }));
  await bed.installAll([ALONE]);
  await bed.machine(ALONE.name).powerOn();
  await bed.waitForReady([ALONE], SECONDS);
  const kubectl = await bed.kubectl("lab");
  await kubectl.apply(podOn("c1", "web", "echo it works >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"));
  await waitForPod(kubectl, "web", 300);

  await t.test("metrics-server: kubectl top sees the node", async () => {
    await kubectl.eventually(["top", "nodes"], { seconds: 300, wanted: /^c1\s+\d+m/m });
  });
  await t.test("traefik: an ingress is served on the node's own port", async (inner) => {
    await kubectl.apply(serviceOf("web", 8080));
    await kubectl.apply(ingress("web", 8080));
    await isServed(bed, inner, `http://${addressOf(ALONE)}/`, "web.lab.test");
  });
  await t.test(
    "metallb: a service of type LoadBalancer has an address of the LAN and answers there",
    async (inner) => {
      await kubectl.must([
        "expose",
        "pod",
        "web",
        "--name=outside",
        "--port=80",
        "--target-port=8080",
        "--type=LoadBalancer",
      ]);
      const field = "jsonpath={.status.loadBalancer.ingress[0].ip}";
      const address = await kubectl.eventually(["get", "service", "outside", "-o", field], {
        seconds: 300,
        wanted: /^10\.78\.0\.20\d$/,
      });
      await isServed(bed, inner, `http://${address}/`, address);
    },
  );
});

function ingress(name: string, port: number): string {
  return stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name },
    spec: {
      rules: [
        {
          host: `${name}.lab.test`,
          http: {
            paths: [
              { path: "/", pathType: "Prefix", backend: { service: { name, port: { number: port } } } },
            ],
          },
        },
      ],
    },
  });
}

/** Asked from outside of the cluster, where the appliance is. */
async function isServed(bed: ClusterBed, t: TestContext, url: string, host: string): Promise<void> {
  const deadline = performance.now() + 300_000;
  for (;;) {
    const { stdout } = await bed.namespace.run("curl", ["-sS", "-m", "3", "-H", `Host: ${host}`, url]);
    if (stdout === "it works\n") break;
    assert.ok(performance.now() < deadline, `${url} answers ${stdout}`);
    await delay(500);
  }
  t.diagnostic(`${url} is served`);
}
