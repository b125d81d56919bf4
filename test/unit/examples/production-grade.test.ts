import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleCluster } from "../../support/example-clusters.ts";
import { describeLines, withRole } from "../../support/seed-plans.ts";

const FILE = "production-grade/cluster.yaml";
const cluster = exampleCluster(FILE);

test("S0-01 eight machines in three roles", () => {
  assert.deepEqual(
    ["load-balancer", "control-plane", "worker"].map((role) => withRole(cluster, role).length),
    [1, 3, 4],
  );
});

test("S0-02, S0-03 names from a pattern, addresses counted on one network", () => {
  assert.deepEqual(
    ["load-balancer", "control-plane", "worker"].flatMap((role) => withRole(cluster, role)),
    [
      "saw-k8s-ha-01 192.168.100.150",
      "saw-k8s-m-01 192.168.100.151",
      "saw-k8s-m-02 192.168.100.152",
      "saw-k8s-m-03 192.168.100.153",
      "saw-k8s-w-01 192.168.100.154",
      "saw-k8s-w-02 192.168.100.155",
      "saw-k8s-w-03 192.168.100.156",
      "saw-k8s-w-04 192.168.100.157",
    ],
  );
});

test("S0-04 the sizes of the seed are said and pass", () => {
  assert.deepEqual(
    cluster.members.map(({ spec }) => [spec.size?.cpus, spec.size?.memory, spec.size?.disk].join()),
    ["2,4GB,20GB", ...times(3, "2,8GB,20GB"), ...times(4, "2,16GB,20GB")],
  );
});

test("S0-15 metrics, alerts and logs are add-ons", () => {
  assert.deepEqual(
    cluster.spec.addons.map(({ name }) => name),
    ["metrics-server", "traefik", "kube-prometheus", "logging"],
  );
});

describeLines(FILE, [
  {
    id: "S0-07",
    what: "a machine outside the cluster balances all API servers",
    machine: "saw-k8s-ha-01",
    in: "/etc/haproxy/haproxy.cfg",
    says: [
      /bind \*:6443/,
      /server saw-k8s-m-01 192\.168\.100\.151:6443\n.*m-02 192\.168\.100\.152:6443\n.*m-03 192\.168\.100\.153:6443/,
    ],
  },
  {
    id: "S0-08",
    what: "the load balancer also passes 80 and 443 to the workers' ingress",
    machine: "saw-k8s-ha-01",
    in: "/etc/haproxy/haproxy.cfg",
    says: [/bind \*:80\n/, /bind \*:443\n/, /server saw-k8s-w-04 192\.168\.100\.157:443 /],
  },
  {
    id: "S0-13",
    what: "what the system and Kubernetes need is kept from pods",
    machine: "saw-k8s-m-01",
    in: "/etc/muster/node/kubeadm-init.yaml",
    says: [/systemReserved:[^]*memory: "?512Mi/, /kubeReserved:[^]*memory: "?512Mi/],
  },
  {
    id: "S0-18",
    what: "workers carry the label of their pool",
    machine: "saw-k8s-w-01",
    in: "/etc/muster/node/kubeadm-join.yaml",
    says: [/name: node-labels\n\s+value: "example\.com\/pool=compute"/],
  },
  {
    id: "S0-18",
    what: "workers keep a data disk for storage, untouched",
    machine: "saw-k8s-w-01",
    in: "/etc/muster/node/disks",
    says: [/^1\|data\|largest\|/],
  },
  {
    id: "S0-20",
    what: "kubeadm begins the cluster",
    machine: "saw-k8s-m-01",
    in: "/etc/muster/node/kubeadm-init.yaml",
    says: [/kind: ClusterConfiguration[^]*controlPlaneEndpoint: "?192\.168\.100\.150:6443/],
  },
]);

function times(count: number, text: string): readonly string[] {
  return Array.from({ length: count }, () => text);
}
