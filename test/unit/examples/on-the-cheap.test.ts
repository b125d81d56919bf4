import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleCluster } from "../../support/example-clusters.ts";
import { describeLines, withRole } from "../../support/seed-plans.ts";

const FILE = "on-the-cheap/cluster.yaml";
const cluster = exampleCluster(FILE);

test("S1-03, S1-04 three machines are control plane, worker and storage at once, a fourth only works", () => {
  assert.deepEqual(
    cluster.members.map(({ name, address, roles }) => `${name} ${address} ${roles.join()}`),
    [
      "andy 192.168.1.7 worker",
      "congratulations 192.168.1.8 control-plane,worker,storage",
      "opti 192.168.1.11 control-plane,worker,storage",
      "rice 192.168.1.10 control-plane,worker,storage",
    ],
  );
});

test("S1-02 control plane and storage are each three times there", () => {
  assert.deepEqual([withRole(cluster, "control-plane").length, withRole(cluster, "storage").length], [3, 3]);
});

test("S1-06 hardware may differ: disks are named by what they are, NICs by their MAC", () => {
  const rules = cluster.members.map(({ spec }) => spec.install.disk);
  assert.ok(rules.every((rule) => JSON.stringify(rule) === '{"match":"smallest","rotational":false}'));
  assert.ok(cluster.spec.endpoint?.interface === undefined);
});

test("S1-11 no machine has a swap partition", () => {
  assert.deepEqual(
    cluster.members.map(({ spec }) => spec.install.swap),
    [undefined, undefined, undefined, undefined],
  );
});

test("S1-09 people log in by key and may become root", () => {
  for (const { spec } of cluster.members) {
    assert.equal(spec.access.sshKeys.length, 1);
    assert.deepEqual([spec.access.sudo, spec.access.passwordHash], [true, undefined]);
  }
});

test("S1-30, S1-31, S1-33, S1-34, S1-35, S1-36 the add-ons of the seed with its settings", () => {
  const parameters = Object.fromEntries(
    cluster.spec.addons.map(({ name, parameters: value }) => [name, value]),
  );
  assert.deepEqual(parameters["rook-ceph"], {
    mons: 3,
    replicas: 2,
    storageClass: "general",
    fsType: "xfs",
    toolbox: true,
  });
  assert.deepEqual(parameters["traefik"], { httpPort: 880, adminPort: 8080 });
  assert.deepEqual(parameters["logging"], { size: "200Gi", storageClass: "general" });
  assert.deepEqual(parameters["kube-prometheus"], {
    storage: { size: "100Gi", storageClass: "general" },
    grafanaNodePort: 30300,
  });
});

const INIT = "/etc/muster/node/kubeadm-init.yaml";
const HAPROXY = "/etc/haproxy/haproxy.cfg";

describeLines(FILE, [
  {
    id: "S1-05",
    what: "control planes that are workers too are not tainted",
    machine: "opti",
    in: INIT,
    says: [/taints: \[\]/],
  },
  {
    id: "S1-12",
    what: "utility packages everywhere, smartmontools on storage machines",
    machine: "opti",
    in: "PACKAGES",
    says: [/\batop\b.*\bhtop\b.*\biotop\b.*\blm-sensors\b.*\bnet-tools\b.*\bsmartmontools\b/],
  },
  {
    id: "S1-13",
    what: "bridged traffic is filtered, and Elasticsearch gets its maps",
    machine: "andy",
    in: "/etc/sysctl.d/99-kubernetes-cri.conf",
    says: [
      /^net\.bridge\.bridge-nf-call-ip6tables = 1$/m,
      /^net\.bridge\.bridge-nf-call-iptables = 1$/m,
      /^vm\.max_map_count = 262144$/m,
    ],
  },
  {
    id: "S1-14",
    what: "every machine knows every other by name, and the VIP",
    machine: "andy",
    in: "/etc/muster/node/hosts",
    says: [/^192\.168\.1\.11 opti$/m, /^192\.168\.1\.7 andy$/m, /^192\.168\.1\.100 kube-cluster$/m],
  },
  {
    id: "S1-15",
    what: "the firewall lets the members in, etcd only those who have it, and the LAN that is trusted",
    machine: "opti",
    in: "/etc/muster/firewall.nft",
    says: [
      /policy drop/,
      /^ {4}ip saddr @members accept$/m,
      /tcp dport 2379-2381 accept\n {4}tcp dport 2379-2381 drop$/m,
      /elements = \{ 192\.168\.1\.0\/24 \}/,
    ],
  },
  {
    id: "S1-17",
    what: "container logs are rotated at 10 MB, three are kept",
    machine: "opti",
    in: INIT,
    says: [/containerLogMaxSize: "10Mi"\ncontainerLogMaxFiles: 3/],
  },
  {
    id: "S1-18",
    what: "containerd runs containers",
    machine: "opti",
    in: INIT,
    says: [/criSocket: "unix:\/\/\/run\/containerd\/containerd\.sock"/],
  },
  {
    id: "S1-19, S1-21",
    what: "haproxy answers on 6445 and passes 80 to 880 of each node, rendered for each host",
    machine: "rice",
    in: HAPROXY,
    says: [
      /bind \*:6445\n/,
      /server opti 192\.168\.1\.11:6443/,
      /bind \*:80\n/,
      /server andy 192\.168\.1\.7:880 /,
    ],
  },
  {
    id: "S1-20",
    what: "keepalived has router id 51 and priorities that count down",
    machine: "opti",
    in: "/etc/keepalived/keepalived.conf",
    says: [/virtual_router_id 51/, /priority 150/, /interval 2/],
  },
  {
    id: "S1-22",
    what: "clients and nodes know the VIP's name and no machine's address",
    machine: "andy",
    in: "/etc/muster/node/kubeadm-join.yaml",
    says: [/apiServerEndpoint: "kube-cluster:6445"/],
  },
  {
    id: "S1-23",
    what: "kubeadm is told the VIP's name, endpoint, pod network and an exact version",
    machine: "opti",
    in: INIT,
    says: [
      /- kube-cluster\n/,
      /controlPlaneEndpoint: "kube-cluster:6445"/,
      /podSubnet: "10\.244\.0\.0\/16"/,
      /kubernetesVersion: v1\.36\.3/,
    ],
  },
  {
    id: "S1-28",
    what: "etcd runs as a pod over a directory of the host",
    machine: "opti",
    in: INIT,
    says: [/etcd:\n\s+local:\n\s+dataDir: \/var\/lib\/etcd/],
  },
  {
    id: "S1-26",
    what: "images are there before kubeadm wants them",
    machine: "andy",
    in: "IMAGES",
    says: [/kube-proxy:v1\.36\.3/],
  },
  {
    id: "S1-32",
    what: "a fast disk takes the write-ahead log, the one that turns the objects",
    machine: "rice",
    in: "/etc/muster/node/disks",
    says: [/\|data\|largest\|.*\|1\|/, /\|metadata\|largest\|.*\|0\|/],
  },
  {
    id: "S1-37",
    what: "metrics of scheduler, controller manager and kube-proxy reach beyond their machine",
    machine: "opti",
    in: INIT,
    says: [
      /controllerManager:\n\s+extraArgs:\n\s+- name: bind-address\n\s+value: "0\.0\.0\.0"/,
      /scheduler:\n\s+extraArgs:\n\s+- name: bind-address\n\s+value: "0\.0\.0\.0"/,
      /metricsBindAddress: "0\.0\.0\.0:10249"/,
    ],
  },
]);
