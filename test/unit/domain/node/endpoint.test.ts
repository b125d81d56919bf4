import assert from "node:assert/strict";
import { test } from "node:test";
import { aCluster, aMember } from "../../../support/clusters.ts";
import { planOf } from "../../../support/node-machine.ts";

type Cluster = ReturnType<typeof aCluster>;

function fileOf(cluster: Cluster, machine: string, path: string): string {
  return planOf(cluster, machine).files.find((file) => file.path === path)?.content ?? "";
}

const keepalived = (cluster: Cluster, machine: string) =>
  fileOf(cluster, machine, "/etc/keepalived/keepalived.conf");
const haproxy = (cluster: Cluster, machine: string) => fileOf(cluster, machine, "/etc/haproxy/haproxy.cfg");

const number = (text: string, name: string) => Number(new RegExp(`${name} (-?\\d+)`).exec(text)?.[1]);

test("S2-19 keepalived talks to its peers alone, starts as BACKUP everywhere, and no two priorities are equal", () => {
  const cluster = aCluster();
  const texts = ["kube0", "kube1", "kube2"].map((name) => keepalived(cluster, name));
  for (const text of texts) {
    assert.match(text, /state BACKUP/);
    assert.match(text, /unicast_peer \{\n(?: {4}10\.20\.0\.1\d\n){2} {2}\}/);
    assert.match(text, /enable_script_security/);
    assert.equal(number(text, "virtual_router_id"), 9);
  }
  assert.equal(new Set(texts.map((text) => number(text, "priority"))).size, 3);
  assert.doesNotMatch(texts[0] ?? "", /unicast_peer \{[^}]*10\.20\.0\.10/, "it is not its own peer");
});

test("S2-19 a failed check costs more than the whole span of priorities, or everything where nobody preempts", () => {
  const members = [1, 2, 3, 4, 5].map((n) => aMember(`kube${n}`, { roles: ["control-plane"], host: n }));
  const preempting = aCluster({
    members,
    spec: { endpoint: { address: "10.20.0.9", vrrp: { preempt: true, preferred: "kube3" } } },
  });
  const texts = members.map(({ name }) => keepalived(preempting, name));
  const priorities = texts.map((text) => number(text, "priority"));
  const gap = Math.max(...priorities) - Math.min(...priorities);
  for (const text of texts) {
    assert.ok(-number(text, "weight") > gap);
    assert.doesNotMatch(text, /nopreempt/);
  }
  assert.equal(priorities.indexOf(Math.max(...priorities)), 2, "the preferred machine comes first");
  const staying = keepalived(aCluster(), "kube0");
  assert.equal(number(staying, "weight"), 0);
  assert.match(staying, /nopreempt/);
});

test("S2-18 haproxy asks /readyz over TLS and believes only the cluster's CA", () => {
  const text = haproxy(aCluster(), "kube1");
  assert.match(text, /http-check send meth GET uri \/readyz/);
  assert.match(text, /http-check expect status 200/);
  assert.match(text, /check check-ssl verify required ca-file \/etc\/muster\/cluster-ca\.crt/);
  assert.match(text, /timeout client 10800s/);
  for (const address of ["10.20.0.10", "10.20.0.11", "10.20.0.12"])
    assert.match(text, new RegExp(`server kube\\d ${address}:6443`));
});

test("S3-16 S3-17 haproxy listens on the address alone, with the limits that were asked for", () => {
  const cluster = aCluster({
    spec: {
      endpoint: {
        address: "10.20.0.99",
        port: 60443,
        bind: "address",
        server: {
          interSeconds: 10,
          downInterSeconds: 5,
          rise: 2,
          fall: 2,
          slowStartSeconds: 60,
          maxConnections: 250,
          maxQueue: 256,
          weight: 100,
        },
      },
    },
  });
  const text = haproxy(cluster, "kube0");
  assert.match(text, /bind 10\.20\.0\.99:60443/);
  assert.match(
    text,
    /inter 10s fastinter 1s rise 2 fall 2 downinter 5s slowstart 60s maxconn 250 maxqueue 256 weight 100/,
  );
  const sysctls = fileOf(cluster, "kube0", "/etc/sysctl.d/99-kubernetes-cri.conf");
  assert.match(sysctls, /net\.ipv4\.ip_nonlocal_bind = 1/);
});

test("S0-07 S0-08 S4-08 dedicated load balancers carry the API and the ingress; two share the address, one has it", () => {
  const endpoint = {
    address: "10.20.0.9",
    port: 443,
    provider: "dedicated-haproxy" as const,
    balance: "leastconn" as const,
    stats: { port: 8888, user: "ops", password: "secret" },
    forwards: [{ name: "https", port: 8443, targetPort: 443 }],
  };
  const nodes = aCluster().members;
  const two = aCluster({
    spec: { endpoint },
    members: [
      ...nodes,
      aMember("lb0", { roles: ["load-balancer"], host: 50 }),
      aMember("lb1", { roles: ["load-balancer"], host: 51 }),
    ],
  });
  const text = haproxy(two, "lb0");
  assert.match(text, /balance leastconn/);
  assert.match(text, /server work0 10\.20\.0\.20:443/);
  assert.match(text, /bind \*:8888/);
  assert.match(text, /stats auth ops:secret/);
  assert.match(keepalived(two, "lb0"), /10\.20\.0\.51/);
  assert.equal(haproxy(two, "kube0"), "", "control planes keep their ports");
  const one = aCluster({
    spec: { endpoint },
    members: [...nodes, aMember("lb0", { roles: ["load-balancer"], host: 9 })],
  });
  assert.equal(keepalived(one, "lb0"), "", "its own address is nobody else's");
});

test("ENDPOINT kube-vip mounts the kubeconfig that the machine's turn decides", () => {
  const cluster = aCluster({
    spec: { endpoint: { address: "10.20.0.9", port: 6443, provider: "kube-vip" } },
  });
  const pod = planOf(cluster, "kube0").planFiles.find(({ path }) => path.endsWith("kube-vip.yaml"))?.content;
  assert.match(pod ?? "", /path: \/?etc?.*@KUBECONFIG@|@KUBECONFIG@/);
  assert.match(pod ?? "", /value: "10\.20\.0\.9"/);
  assert.equal(haproxy(cluster, "kube0"), "");
  assert.equal(
    planOf(cluster, "work0").planFiles.some(({ path }) => path.endsWith("kube-vip.yaml")),
    false,
  );
  const image = /image: "(.*kube-vip.*)"/.exec(pod ?? "")?.[1];
  assert.ok(image && planOf(cluster, "kube0").images.includes(image), "it is there before the turn");
  assert.ok(!planOf(cluster, "work0").images.includes(image));
});
