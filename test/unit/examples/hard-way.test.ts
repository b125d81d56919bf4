import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleCluster } from "../../support/example-clusters.ts";
import { describeLines, withRole } from "../../support/seed-plans.ts";

const FILE = "hard-way/cluster.yaml";
const cluster = exampleCluster(FILE);

test("S4-01 DNS, etcd, controllers, workers, load balancer and registry on machines of their own", () => {
  const roles = ["dns", "etcd", "control-plane", "worker", "registry", "load-balancer"];
  assert.deepEqual(
    roles.flatMap((role) => withRole(cluster, role)),
    [
      "core1 10.240.0.2",
      "etcd0 10.240.0.10",
      "etcd1 10.240.0.11",
      "etcd2 10.240.0.12",
      "controller0 10.240.0.20",
      "controller1 10.240.0.21",
      "controller2 10.240.0.22",
      "worker0 10.240.0.30",
      "worker1 10.240.0.31",
      "worker2 10.240.0.32",
      "dreg0 10.240.0.40",
      "k8slb0 10.240.0.50",
    ],
  );
});

test("S4-03 small machines pass", () => {
  const etcd = cluster.members.find(({ name }) => name === "etcd0");
  const worker = cluster.members.find(({ name }) => name === "worker0");
  assert.deepEqual([etcd?.spec.size?.memory, worker?.spec.size?.memory], ["1GB", "4GB"]);
});

test("S4-22 metrics, and a dashboard on port 30050 of every node", () => {
  assert.deepEqual(
    cluster.spec.addons.map(({ name, parameters }) => [name, parameters]),
    [
      ["metrics-server", {}],
      ["headlamp", { nodePort: 30050 }],
    ],
  );
});

const INIT = "/etc/muster/node/kubeadm-init.yaml";

describeLines(FILE, [
  {
    id: "S4-05",
    what: "a name server for the zone, its reverse zone, and forwarders for everything else",
    machine: "core1",
    in: "/etc/bind/named.conf.options",
    says: [/acl trusted/, /forwarders \{[^}]*8\.8\.8\.8;[^}]*8\.8\.4\.4;/],
  },
  {
    id: "S4-05, S4-07",
    what: "every machine has its line in the zone",
    machine: "core1",
    in: "/etc/muster/node/zones/db.lan",
    says: [/^controller0 IN A 10\.240\.0\.20$/m, /^worker2 IN A 10\.240\.0\.32$/m],
  },
  {
    id: "S4-05",
    what: "and in the reverse zone",
    machine: "core1",
    in: "/etc/muster/node/zones/db.240.10.in-addr.arpa",
    says: [/^20\.0 IN PTR controller0\.lan\.$/m],
  },
  {
    id: "S4-06",
    what: "nodes ask that name server, with its search domain, after every reboot",
    machine: "worker0",
    in: "/etc/systemd/resolved.conf.d/muster.conf",
    says: [/^DNS=10\.240\.0\.2$/m, /^Domains=lan\b/m],
  },
  {
    id: "S4-08",
    what: "the API on 443 of the load balancer, by least connections, statistics with a login",
    machine: "k8slb0",
    in: "/etc/haproxy/haproxy.cfg",
    says: [
      /bind \*:443\n/,
      /balance leastconn/,
      /server controller0 10\.240\.0\.20:6443/,
      /bind \*:8888[^]*stats auth admin:change-me/,
    ],
  },
  {
    id: "S4-09",
    what: "RSA certificates of one year that name the controllers, the balancer and this host",
    machine: "controller0",
    in: INIT,
    says: [
      /encryptionAlgorithm: RSA-2048/,
      /certificateValidityPeriod: "8760h0m0s"/,
      /- "10\.240\.0\.50"/,
      /- "127\.0\.0\.1"/,
    ],
  },
  {
    id: "S4-12",
    what: "etcd on three hosts with TLS, as a systemd service",
    machine: "etcd0",
    in: "/etc/etcd/etcd.env",
    says: [/etcd-cluster-0/, /\/var\/lib\/etcd/, /https:\/\/10\.240\.0\.10:2379/],
  },
  {
    id: "S4-12",
    what: "the API servers reach it with a certificate",
    machine: "controller0",
    in: INIT,
    says: [
      /external:\n\s+endpoints:\n\s+- "https:\/\/10\.240\.0\.10:2379"/,
      /certFile: \/etc\/kubernetes\/pki\/apiserver-etcd-client\.crt/,
    ],
  },
  {
    id: "S4-14",
    what: "the ranges of the seed",
    machine: "controller0",
    in: INIT,
    says: [
      /podSubnet: "10\.200\.0\.0\/16"/,
      /serviceSubnet: "10\.32\.0\.0\/24"/,
      /name: service-node-port-range\n\s+value: "30000-32767"/,
    ],
  },
  {
    id: "S4-18",
    what: "no overlay: pods get addresses of the node's own part",
    machine: "worker0",
    in: "/etc/muster/node/10-muster.conflist",
    says: [/"type": "bridge"/, /"subnet": "@POD_CIDR@"/],
  },
  {
    id: "S4-23",
    what: "a registry with TLS and login, its data where the seed has it",
    machine: "dreg0",
    in: "/etc/docker/registry/config.yml",
    says: [
      /rootdirectory: \/docker-registry/,
      /addr: ":443"/,
      /certificate: \/etc\/docker\/registry\/tls\.crt/,
      /htpasswd:/,
    ],
  },
  {
    id: "S4-24",
    what: "nodes trust the registry's authority",
    machine: "worker0",
    in: "/etc/containerd/certs.d/dreg0.lan/hosts.toml",
    says: [/server = "https:\/\/dreg0\.lan"[^]*ca = "\/etc\/containerd\/certs\.d\/dreg0\.lan\/ca\.crt"/],
  },
  {
    id: "S4-24",
    what: "and so does the system itself",
    machine: "worker0",
    in: "/usr/local/share/ca-certificates/muster-cluster-lan.crt",
    says: [/BEGIN CERTIFICATE/],
  },
]);
