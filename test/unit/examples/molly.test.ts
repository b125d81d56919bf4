import assert from "node:assert/strict";
import { test } from "node:test";
import { homeNetwork } from "../../../src/domain/cluster/home-network.ts";
import { nicsOf } from "../../../src/domain/install/network-config.ts";
import { exampleCluster } from "../../support/example-clusters.ts";
import { describeLines, withRole } from "../../support/seed-plans.ts";

const FILE = "molly/cluster.yaml";
const cluster = exampleCluster(FILE);

test("S3-06 three control planes and five workers, kube0 to kube7", () => {
  assert.deepEqual(
    cluster.members.map(({ name, address }) => `${name} ${address}`),
    Array.from({ length: 8 }, (_, index) => `kube${index} 10.0.1.${100 + index}`),
  );
  assert.deepEqual([withRole(cluster, "control-plane").length, withRole(cluster, "worker").length], [3, 5]);
});

test("S3-02 the system is on a mirror of two disks, the others are kept for storage", () => {
  const worker = cluster.members.find(({ name }) => name === "kube3");
  assert.equal(worker?.spec.install.layout, "raid1");
  assert.ok(Array.isArray(worker.spec.install.disk), "two rules, one for each disk");
  assert.equal(worker.spec.dataDisks?.length, 1);
});

test("S3-05 a serial console, and name servers that the installed system keeps", () => {
  for (const { spec } of cluster.members) assert.equal(spec.console, "ttyS0,115200");
});

test("S3-07, S3-08 gateway and name server are the cluster's, on the NIC of the MAC that boots", () => {
  const spec = cluster.members[0]?.spec;
  assert.ok(spec);
  const home = homeNetwork(spec.address, { cluster: cluster.spec, subnets: [] });
  assert.deepEqual(nicsOf(spec, home), [
    {
      mac: spec.mac,
      address: "10.0.1.100/24",
      gateway: "10.0.1.5",
      dns: ["8.8.8.8"],
      optional: false,
    },
  ]);
});

test("S3-13 canal is the pod network", () => {
  assert.deepEqual([cluster.spec.network.cni, cluster.spec.network.podCIDR], ["canal", "10.244.0.0/16"]);
});

test("S3-20, S3-21, S3-22, S3-23 shared files, metrics, logs, ingress and what autoscaling needs are add-ons", () => {
  assert.deepEqual(
    cluster.spec.addons.map(({ name, parameters }) => [name, parameters]),
    [
      ["metrics-server", {}],
      ["rook-ceph", { filesystem: true }],
      ["traefik", {}],
      ["kube-prometheus", {}],
      ["logging", {}],
    ],
  );
});

const INIT = "/etc/muster/node/kubeadm-init.yaml";

describeLines(FILE, [
  {
    id: "S3-10",
    what: "stacked etcd behind the VIP on a port of its own",
    machine: "kube0",
    in: INIT,
    says: [/controlPlaneEndpoint: "?10\.0\.1\.99:60443/, /etcd:\n\s+local:/],
  },
  {
    id: "S3-11",
    what: "the external address is in the certificate, each control plane advertises its own",
    machine: "kube1",
    in: INIT,
    says: [/- "203\.0\.113\.10"/, /advertiseAddress: "10\.0\.1\.101"/],
  },
  {
    id: "S3-12",
    what: "control planes are told to join as such",
    machine: "kube1",
    in: "/etc/muster/node/kubeadm-join.yaml",
    says: [/controlPlane:\n\s+localAPIEndpoint:\n\s+advertiseAddress: "10\.0\.1\.101"/],
  },
  {
    id: "S3-16",
    what: "haproxy binds the VIP alone and has the seed's numbers",
    machine: "kube2",
    in: "/etc/haproxy/haproxy.cfg",
    says: [
      /bind 10\.0\.1\.99:60443\n/,
      /mode tcp/,
      /option tcplog/,
      /balance roundrobin/,
      /inter 10s .*rise 2 fall 2 downinter 5s slowstart 60s maxconn 250 maxqueue 256 weight 100/,
    ],
  },
  {
    id: "S3-17",
    what: "a machine without the VIP may bind it",
    machine: "kube2",
    in: "/etc/sysctl.d/99-kubernetes-cri.conf",
    says: [/^net\.ipv4\.ip_nonlocal_bind = 1$/m],
  },
  {
    id: "S3-18",
    what: "kube0 holds the VIP whenever it can, signs of life every 2 s, a secret among unicast peers",
    machine: "kube0",
    in: "/etc/keepalived/keepalived.conf",
    says: [/priority 150/, /advert_int 2/, /auth_pass molly/, /unicast_peer/],
  },
  {
    id: "S3-19",
    what: "the holder of the VIP logs every connection in order",
    machine: "kube0",
    in: "/etc/haproxy/haproxy.cfg",
    says: [/log \/dev\/log local0/, /log global/],
  },
  {
    id: "S3-23",
    what: "services may have ports from 80",
    machine: "kube0",
    in: INIT,
    says: [/name: service-node-port-range\n\s+value: "80-32767"/],
  },
]);
