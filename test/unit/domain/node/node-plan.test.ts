import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterView } from "../../../../src/domain/cluster/members.ts";
import { RenderError } from "../../../../src/domain/errors.ts";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import { restrictedLabels } from "../../../../src/domain/node/labels-taints.ts";
import { aCluster, aMember } from "../../../support/clusters.ts";
import { planOf } from "../../../support/node-machine.ts";

function fileOf(cluster: ClusterView, machine: string, path: string): string {
  const plan = planOf(cluster, machine);
  const found = [...plan.files, ...plan.planFiles].find((file) => file.path === path);
  return found?.content ?? "";
}

const INIT = "/etc/muster/node/kubeadm-init.yaml";
const JOIN = "/etc/muster/node/kubeadm-join.yaml";

test("S2-11 crictl.yaml is exactly the seed's", () => {
  assert.equal(
    fileOf(aCluster(), "work0", "/etc/crictl.yaml"),
    "runtime-endpoint: unix:///run/containerd/containerd.sock\nimage-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 10\ndebug: false\n",
  );
});

test("S2-12 modules and kernel parameters are there at every boot, a person's own among them", () => {
  const cluster = aCluster({
    spec: { node: { sysctls: { "vm.max_map_count": 262144 }, modules: ["dm_crypt"] } },
  });
  const sysctls = fileOf(cluster, "work0", "/etc/sysctl.d/99-kubernetes-cri.conf");
  assert.match(sysctls, /^net\.bridge\.bridge-nf-call-iptables = 1$/m);
  assert.match(sysctls, /^vm\.max_map_count = 262144$/m);
  assert.equal(
    fileOf(cluster, "work0", "/etc/modules-load.d/muster.conf"),
    "br_netfilter\ndm_crypt\nnf_conntrack\noverlay\nvxlan\n",
  );
});

test("S1-05 a control plane that is a worker too has no taint; others keep theirs", () => {
  const both = aCluster({ members: [aMember("solo", { roles: ["control-plane", "worker"], host: 10 })] });
  assert.match(fileOf(both, "solo", INIT), /^ {2}taints: \[\]$/m);
  assert.match(
    fileOf(aCluster(), "kube0", INIT),
    /key: node-role\.kubernetes\.io\/control-plane\n {4}effect: NoSchedule/,
  );
  assert.doesNotMatch(fileOf(aCluster(), "work0", JOIN), /taints/);
});

test("S0-18 labels that a kubelet may not set itself are kept out of its arguments", () => {
  const spec = machineSpecSchema.parse({
    mac: "52:54:00:00:00:01",
    labels: {
      "example.com/gpu": "yes",
      "node-role.kubernetes.io/gpu": "",
      "topology.kubernetes.io/zone": "a",
    },
    taints: ["example.com/gpu=yes:NoSchedule"],
  });
  const member = { ...aMember("gpu0", { roles: ["worker"], host: 30 }), spec };
  const cluster = aCluster({ members: [...aCluster().members, member] });
  const join = fileOf(cluster, "gpu0", JOIN);
  assert.match(join, /value: "example\.com\/gpu=yes,topology\.kubernetes\.io\/zone=a"/);
  assert.match(join, /key: example\.com\/gpu\n {4}value: "yes"|key: example\.com\/gpu\n {4}value: yes/);
  assert.deepEqual(restrictedLabels(member, cluster), {
    "node-role.kubernetes.io/worker": "",
    "node-role.kubernetes.io/gpu": "",
  });
});

test("S3-11 S1-23 the API server's certificate is good for the endpoint, every control plane and what was added", () => {
  const cluster = aCluster({
    spec: {
      endpoint: { address: "10.20.0.9", name: "kube-cluster" },
      controlPlane: { certSANs: ["198.51.100.7"] },
    },
  });
  const init = fileOf(cluster, "kube1", INIT);
  for (const name of ["10.20.0.9", "kube-cluster", "10.20.0.10", "10.20.0.12", "kube2", "198.51.100.7"])
    assert.ok(init.includes(name), name);
  assert.match(init, /advertiseAddress: "10\.20\.0\.11"/);
  assert.match(init, /controlPlaneEndpoint: "kube-cluster:8443"/);
  assert.match(fileOf(cluster, "work0", "/etc/muster/node/hosts"), /^10\.20\.0\.9 kube-cluster$/m);
});

test("S2-17 the API servers' own port is configurable, and haproxy follows it", () => {
  const cluster = aCluster({ spec: { apiPort: 6444, endpoint: { address: "10.20.0.9", port: 6443 } } });
  assert.match(fileOf(cluster, "kube0", INIT), /bindPort: 6444/);
  assert.match(fileOf(cluster, "kube0", "/etc/haproxy/haproxy.cfg"), /server kube0 10\.20\.0\.10:6444/);
});

test("S4-14 all ranges of the cluster reach kubeadm", () => {
  const init = fileOf(
    aCluster({
      spec: {
        network: {
          podCIDR: "10.200.0.0/16",
          serviceCIDR: "10.32.0.0/24",
          nodePortRange: "30000-32767",
          nodePrefix: 25,
        },
      },
    }),
    "kube0",
    INIT,
  );
  assert.match(init, /podSubnet: "10\.200\.0\.0\/16"/);
  assert.match(init, /serviceSubnet: "10\.32\.0\.0\/24"/);
  assert.match(init, /name: service-node-port-range\n {4}value: "30000-32767"/);
  assert.match(init, /name: node-cidr-mask-size\n {4}value: "25"/);
});

test("S1-17 S0-13 log rotation and reserved resources are the kubelet's, and a person's own settings win", () => {
  const init = fileOf(
    aCluster({
      spec: {
        node: {
          logRotation: { maxSize: "10Mi", maxFiles: 3 },
          reserved: { system: { cpu: "200m", ephemeralStorage: "1Gi" } },
        },
        kubelet: { config: { cgroupDriver: "cgroupfs", maxPods: 42 } },
        kubeProxy: { config: { mode: "iptables" } },
      },
    }),
    "kube0",
    INIT,
  );
  assert.match(init, /containerLogMaxFiles: 3/);
  assert.match(init, /systemReserved:\n {2}cpu: "200m"\n {2}ephemeral-storage: "1Gi"/);
  assert.match(init, /cgroupDriver: cgroupfs/);
  assert.match(init, /maxPods: 42/);
  assert.match(init, /mode: iptables/);
});

test("DESIGN-5.7 no plan holds a token, and workers ask for no secret", () => {
  assert.match(fileOf(aCluster(), "kube0", INIT), /token: "@TOKEN@"/);
  assert.equal(planOf(aCluster(), "work0").settings["SECRETS"], 0);
  assert.equal(planOf(aCluster(), "kube0").settings["SECRETS"], 1);
  assert.equal(fileOf(aCluster(), "work0", "/etc/kubernetes/pki/ca.crt"), "");
});

test("S4-12 external etcd: every member knows the others, control planes only ask it", () => {
  const members = [
    ...aCluster().members,
    ...[30, 31, 32].map((host, index) => aMember(`etcd${index}`, { roles: ["etcd"], host })),
  ];
  const cluster = aCluster({
    spec: { etcd: { topology: "external", clusterToken: "etcd-cluster-0" } },
    members,
  });
  const env = fileOf(cluster, "etcd1", "/etc/etcd/etcd.env");
  assert.match(
    env,
    /^ETCD_INITIAL_CLUSTER=etcd0=https:\/\/10\.20\.0\.30:2380,etcd1=https:\/\/10\.20\.0\.31:2380,etcd2=https:\/\/10\.20\.0\.32:2380$/m,
  );
  assert.match(env, /^ETCD_CLIENT_CERT_AUTH=true$/m);
  assert.match(env, /^ETCD_INITIAL_CLUSTER_TOKEN=etcd-cluster-0$/m);
  assert.match(fileOf(cluster, "kube0", INIT), /endpoints:\n {4}- "https:\/\/10\.20\.0\.30:2379"/);
  assert.equal(planOf(cluster, "etcd0").settings["MEMBER_SERVICE"], "etcd.service");
  assert.deepEqual(planOf(cluster, "etcd0").images, []);
});

test("S4-23 S4-24 nodes trust the cluster's own registry in the runtime and in the system", () => {
  const members = [...aCluster().members, aMember("dreg0", { roles: ["registry"], host: 40 })];
  const hash = "$2y$05$abcdefghijklmnopqrstuu";
  const cluster = aCluster({
    spec: {
      registry: {
        name: "dreg0.lan",
        dataDir: "/docker-registry",
        users: [{ name: "lab", passwordHash: hash }],
      },
    },
    members,
  });
  assert.match(
    fileOf(cluster, "work0", "/etc/containerd/certs.d/dreg0.lan/hosts.toml"),
    /ca = "\/etc\/containerd\/certs\.d\/dreg0\.lan\/ca\.crt"/,
  );
  assert.match(
    fileOf(cluster, "work0", "/usr/local/share/ca-certificates/muster-cluster-lab.crt"),
    /BEGIN CERTIFICATE/,
  );
  assert.match(
    fileOf(cluster, "dreg0", "/etc/docker/registry/config.yml"),
    /rootdirectory: \/docker-registry/,
  );
  const passwords = planOf(cluster, "dreg0").files.find(({ path }) => path.endsWith("/htpasswd"));
  assert.equal(passwords?.content, `lab:${hash}\n`);
  assert.equal(passwords.mode, "0640", "the registry's group reads it");
});

test("S4-05 the zone leads the registry's own name to its machine, whose address keeps one name", () => {
  const members = [aMember("h1", { roles: ["dns", "registry"], host: 40 })];
  const cluster = aCluster({
    spec: { dns: { zone: "lan" }, registry: { name: "images.lan" } },
    members: [...aCluster().members, ...members],
  });
  const forward = fileOf(cluster, "h1", "/etc/muster/node/zones/db.lan");
  assert.match(forward, /^images IN A 10\.20\.0\.40$/m);
  assert.match(forward, /^h1 IN A 10\.20\.0\.40$/m);
  const reverse = fileOf(cluster, "h1", "/etc/muster/node/zones/db.0.20.10.in-addr.arpa");
  assert.deepEqual(reverse.match(/^40 IN PTR .*$/gm), ["40 IN PTR h1.lan."]);
});

test("DESIGN-5.10 images come from the appliance; whether the upstream is asked after it is a setting", () => {
  const path = "/etc/containerd/certs.d/_default/hosts.toml";
  assert.match(fileOf(aCluster(), "work0", path), /^\[host\."https:\/\/10\.20\.0\.1:8443"\]$/m);
  assert.doesNotMatch(fileOf(aCluster(), "work0", path), /^server/m);
  const alone = aCluster({ spec: { images: { fallback: false } } });
  assert.match(fileOf(alone, "work0", path), /^server = "https:\/\/10\.20\.0\.1:8443"$/m);
});

test("S1-30 disks kept for storage are checked by the rule that names them", () => {
  const spec = machineSpecSchema.parse({
    mac: "52:54:00:00:00:01",
    dataDisks: [
      { disk: { match: "largest", rotational: true } },
      { disk: { serial: "X1" }, purpose: "metadata", blank: false },
    ],
  });
  const member = { ...aMember("ceph0", { roles: ["worker", "storage"], host: 30 }), spec };
  const cluster = aCluster({ members: [...aCluster().members, member] });
  assert.equal(
    fileOf(cluster, "ceph0", "/etc/muster/node/disks"),
    "1|data|largest|||||1||\n0|metadata||X1||||||\n",
  );
});

test("PLAN several control planes without an endpoint are refused with what to do", () => {
  const cluster = aCluster();
  const without = { ...cluster, spec: { ...cluster.spec, endpoint: undefined } };
  assert.throws(
    () => planOf(without, "kube0"),
    (error: unknown) => error instanceof RenderError && /endpoint\.address/.test(error.message),
  );
});

test("S1-15 the firewall keeps etcd for its own, and is not there when it is off", () => {
  const path = "/etc/muster/firewall.nft";
  const cluster = aCluster({ spec: { node: { firewall: "nftables", trustedNetworks: ["192.0.2.0/24"] } } });
  const text = fileOf(cluster, "kube0", path);
  const etcd = text.indexOf("tcp dport 2379-2381 drop");
  assert.ok(etcd > 0 && etcd < text.indexOf("ip saddr @members accept"));
  assert.match(text, /ip saddr \{ 10\.20\.0\.10, 10\.20\.0\.11, 10\.20\.0\.12 \} tcp dport 2379-2381 accept/);
  assert.match(text, /policy drop/);
  assert.match(text, /ct status dnat accept/, "a service's pod may be on the machine's own network");
  assert.doesNotMatch(fileOf(cluster, "work0", path), /2379/);
  assert.equal(fileOf(aCluster(), "kube0", path), "");
});

test("PLAN an external etcd beside Kubernetes is refused with what to do", () => {
  const members = [aMember("both", { roles: ["control-plane", "etcd"], host: 10 })];
  const cluster = aCluster({ spec: { etcd: { topology: "external" } }, members });
  assert.throws(() => planOf(cluster, "both"), /machines of its own/);
});
