import assert from "node:assert/strict";
import { test } from "node:test";
import type { RackFacts } from "../../../../src/domain/cluster/finding.ts";
import { CLUSTER, judgeText, RACK_NETWORK, told } from "../../../support/cluster-documents.ts";

/** What is replaced in the right cluster, and what is then said: at which line, matching which words. */
interface Case {
  readonly name: string;
  readonly replace: readonly [before: string, after: string];
  readonly says: readonly [line: number, words: RegExp];
  readonly facts?: Partial<RackFacts>;
}

const ENDPOINT = "endpoint: { address: 10.20.0.9, port: 8443 }";
const NETWORK = "network: { podCIDR: 10.244.0.0/16, serviceCIDR: 10.96.0.0/12 }";

const REFUSED: readonly Case[] = [
  {
    name: "S2-22 a pod network that is not canonical",
    replace: ["10.244.0.0/16", "10.244.90.0/16"],
    says: [6, /podCIDR: 10\.244\.90\.0\/16 is an address within its network; .* 10\.244\.0\.0\/16$/],
  },
  {
    name: "S2-22 a service network that equals the machines' network",
    replace: ["10.96.0.0/12", "10.20.0.0/24"],
    says: [6, /serviceCIDR: the service network 10\.20\.0\.0\/24 overlaps the appliance's network/],
  },
  {
    name: "S2-22 pod and service networks that overlap",
    replace: ["10.96.0.0/12", "10.244.128.0/20"],
    says: [6, /the service network 10\.244\.128\.0\/20 overlaps the pod network 10\.244\.0\.0\/16/],
  },
  {
    name: "S4-14 a service network too large for an API server",
    replace: ["10.96.0.0/12", "11.0.0.0/8"],
    says: [6, /11\.0\.0\.0\/8 has the wrong size; a service network is a \/12 to a \/28/],
  },
  {
    name: "S0-05 a pod network without room for every node",
    replace: ["10.244.0.0/16", "10.244.0.0/22"],
    says: [6, /room for 4 nodes, and there are 5/],
  },
  {
    name: "S3-23 a NodePort range that is none",
    replace: [NETWORK, "network: { nodePortRange: 32767-80 }"],
    says: [6, /nodePortRange: 32767-80 is not a range/],
  },
  {
    name: "S0-05 an even number of control planes",
    replace: ["        - 52:54:00:12:34:03\n", ""],
    says: [7, /2 control planes make an etcd of 2 members.*use 1, 3 or 5/],
  },
  {
    name: "S4-12 an external etcd without hosts",
    replace: [NETWORK, "etcd: { topology: external }"],
    says: [6, /external etcd needs 1, 3 or 5 machines with the role etcd/],
  },
  {
    name: "S4-12 the role etcd where it runs on the control planes",
    replace: ["roles: [worker]", "roles: [worker, etcd]"],
    says: [18, /etcd runs on the control planes here/],
  },
  {
    name: "S1-22 several control planes without an endpoint",
    replace: [`  ${ENDPOINT}\n`, ""],
    says: [4, /endpoint: is required with 3 control planes/],
  },
  {
    name: "S3-10 a VIP outside the machines' network",
    replace: ["10.20.0.9", "10.30.0.9"],
    says: [5, /10\.30\.0\.9 lies outside 10\.20\.0\.0\/24, the network of kube0/],
  },
  {
    name: "S3-10 a VIP inside a DHCP pool",
    replace: ["10.20.0.9", "10.20.0.150"],
    says: [5, /lies in the pool 10\.20\.0\.100 to 10\.20\.0\.199/],
  },
  {
    name: "S3-10 a VIP that is the broadcast address of its network",
    replace: ["10.20.0.9", "10.20.0.255"],
    says: [5, /10\.20\.0\.255 is the broadcast address of 10\.20\.0\.0\/24/],
  },
  {
    name: "S3-10 a VIP that is the machines' gateway",
    replace: [
      `${ENDPOINT}\n  ${NETWORK}`,
      "endpoint: { address: 10.20.0.9 }\n  network: { nodes: { cidr: 10.20.0.0/24, gateway: 10.20.0.9 } }",
    ],
    says: [5, /10\.20\.0\.9 is the gateway of the machines/],
  },
  {
    name: "S0-02 a machine at its network's own address",
    replace: ["addresses: 10.20.0.20", "addresses: [10.20.0.20, 10.20.0.0]"],
    says: [19, /work1: 10\.20\.0\.0 is the network 10\.20\.0\.0\/24 itself/],
  },
  {
    name: "S1-22 a VIP that a machine has",
    replace: ["10.20.0.9", "10.20.0.11"],
    says: [5, /10\.20\.0\.11 is the address of machine kube1/],
  },
  {
    name: "S1-22 a VIP that the appliance has",
    replace: ["10.20.0.9", "10.20.0.2"],
    says: [5, /10\.20\.0\.2 is the appliance's own address/],
  },
  {
    name: "S3-10 the VIP's port where the API servers listen",
    replace: ["port: 8443", "port: 6443"],
    says: [5, /endpoint\.port: 6443 is the port of the API servers, and haproxy shares their machines/],
  },
  {
    name: "S2-17 the API server's port moved onto the VIP's",
    replace: [ENDPOINT, `${ENDPOINT}\n  apiPort: 8443`],
    says: [5, /8443 is the port of the API servers/],
  },
  {
    name: "S2-18 the statistics page on the kubelet's port",
    replace: ["port: 8443", "port: 8443, stats: { port: 10250 }"],
    says: [5, /port 10250 is wanted twice/],
  },
  {
    name: "S1-20 a router id that another cluster has",
    replace: [
      "apiVersion: muster/v1",
      `apiVersion: muster/v1
kind: Cluster
metadata: { name: first }
spec: { endpoint: { address: 10.20.0.8, routerId: 9 } }
---
apiVersion: muster/v1`,
    ],
    says: [4, /VRRP router id 9 is already that of cluster lab/],
  },
  {
    name: "S3-18 a preferred holder that cannot hold the address",
    replace: ["port: 8443", "port: 8443, vrrp: { preferred: kube7 }"],
    says: [5, /kube7 does not hold the address; did you mean "kube0"\?/],
  },
  {
    name: "S0-07 a dedicated balancer without a machine for it",
    replace: ["port: 8443", "provider: dedicated-haproxy"],
    says: [5, /needs one or two machines with the role load-balancer/],
  },
  {
    name: "S1-19 kube-vip with another port than the API servers'",
    replace: ["port: 8443", "provider: kube-vip"],
    says: [5, /kube-vip passes on the address, not the port; use 6443/],
  },
  {
    name: "DESIGN-3.4 one MAC for two machines",
    replace: ['"52:54:00:12:34:12"', '"52:54:00:12:34:02"'],
    says: [20, /work1: 52:54:00:12:34:02 belongs to machine kube1/],
  },
  {
    name: "DESIGN-3.4 one address for two machines",
    replace: ["addresses: 10.20.0.20", "addresses: 10.20.0.12"],
    says: [19, /work0: 10\.20\.0\.12 belongs to machine kube2/],
  },
  {
    name: "DESIGN-3.4 the router's address for a machine",
    replace: ["addresses: 10.20.0.20", "addresses: [10.20.0.1, 10.20.0.20]"],
    says: [19, /10\.20\.0\.1 is the router of 10\.20\.0\.0\/24/],
  },
  {
    name: "S0-02 a member without an address in proxy mode",
    replace: ["      addresses: 10.20.0.20\n", ""],
    says: [16, /work0 needs an address of its own.*another DHCP server may give the machine a new one/],
  },
  {
    name: "S0-02 a member without an address in server mode",
    replace: ["      addresses: 10.20.0.20\n", ""],
    says: [16, /work0 needs an address of its own.*find each other at addresses that stay/],
    facts: { mode: "server" },
  },
  {
    name: "S3-07 an address of which no network is known",
    replace: ["addresses: 10.20.0.20", "addresses: 10.99.0.20"],
    says: [19, /no network is known that holds 10\.99\.0\.20; say it in the cluster's network\.nodes/],
  },
  {
    name: "S3-07 an address outside the network that the cluster names",
    replace: [NETWORK, "network: { nodes: { cidr: 10.20.0.0/28 } }"],
    says: [19, /10\.20\.0\.20 lies outside 10\.20\.0\.0\/28/],
  },
  {
    name: "S2-15 a containerd that does not fit",
    replace: [NETWORK, "runtime: { containerd: { version: 1.5.3 } }"],
    says: [6, /containerd 1\.5\.3 and Kubernetes 1\.36 do not go together/],
  },
  {
    name: "S2-14 a Kubernetes that is not known",
    replace: [NETWORK, "kubernetes: { version: 1.19.3 }"],
    says: [6, /Kubernetes 1\.19\.3 is not known here/],
  },
  {
    name: "S2-15 Debian's containerd where it is too old",
    replace: [NETWORK, "runtime: { containerd: { source: debian } }\n  defaults: { os: debian-12 }"],
    says: [6, /on Debian 12: containerd 1\.6\.20 and Kubernetes 1\.36 do not go together/],
  },
  {
    name: "S4-22 an add-on outside its range",
    replace: [NETWORK, "addons: [rook-ceph]"],
    says: [6, /rook-ceph declares Kubernetes 1\.31 to 1\.35, and this cluster runs 1\.36/],
    facts: { addons: new Map([["rook-ceph", { kind: "addon", kubernetes: { from: "1.31", to: "1.35" } }]]) },
  },
  {
    name: "S4-22 an add-on that there is not",
    replace: [NETWORK, "addons: [metrics-servre]"],
    says: [6, /there is no add-on named metrics-servre; did you mean "metrics-server"\?/],
    facts: { addons: new Map([["metrics-server", { kind: "addon" }]]) },
  },
  {
    name: "S3-02 mirrored system disks with one rule for both",
    replace: [
      "      roles: [worker]\n",
      "      roles: [worker]\n      spec: { install: { layout: raid1 } }\n",
    ],
    says: [19, /raid1 takes two disks: write two rules/],
  },
  {
    name: "S4-22 an add-on that is named twice",
    replace: [NETWORK, "addons: [metrics-server, metrics-server]"],
    says: [6, /addons\[1\]: metrics-server is there twice/],
    facts: { addons: new Map([["metrics-server", { kind: "addon" }]]) },
  },
  {
    name: "S2-25 an option of the pod network that it does not have",
    replace: [NETWORK, "network: { cni: flannel, cniOptions: { backnd: host-gw } }"],
    says: [6, /cniOptions\.backnd: unknown key/],
    facts: {
      addons: new Map([
        ["flannel", { kind: "network", faults: () => [{ path: "backnd", message: "unknown key" }] }],
      ]),
    },
  },
  {
    name: "S0-18 a label that a kubelet may not give itself",
    replace: [
      "roles: [worker]",
      'roles: [worker]\n      spec: { labels: { "node-role.kubernetes.io/gpu": "" } }',
    ],
    says: [19, /a node may not give itself the label node-role\.kubernetes\.io\/gpu/],
  },
];

for (const { name, replace, says, facts } of REFUSED) {
  test(`${name} is refused with its line`, () => {
    const text = CLUSTER.replace(...replace);
    assert.notEqual(text, CLUSTER);
    const { faults } = judgeText(text, facts);
    const [line, words] = says;
    const found = faults.find((fault) => words.test(`${fault.path}: ${fault.message}`));
    assert.ok(found, `not said: ${words}; said: ${told(faults).join("\n")}`);
    assert.deepEqual([found.file, found.line], ["rack.yaml", line], told(faults).join("\n"));
  });
}

for (const [name, before, after, words] of [
  [
    "DESIGN-5.11 the only disk as install disk beside data disks",
    "roles: [worker]",
    "roles: [worker]\n      spec: { dataDisks: [{ disk: { match: largest } }] }",
    /not the only one where there are dataDisks/,
  ],
  [
    "DESIGN-7 a password that would break haproxy's configuration",
    "port: 8443",
    "port: 8443, stats: { user: a, password: 'x y' }",
    /letters, digits/,
  ],
  [
    "DESIGN-7 a line break among trusted networks",
    NETWORK,
    'node: { trustedNetworks: ["10.0.0.0/8\\naccept"] }',
    /expected an address or a network/,
  ],
  [
    "DESIGN-7 a directory that a shell would take apart",
    NETWORK,
    "etcd: { dataDir: /var/lib/etcd;reboot }",
    /expected an absolute path/,
  ],
] as const) {
  test(`${name} is refused`, () => {
    const { faults } = judgeText(CLUSTER.replace(before, after));
    assert.match(told(faults).join("\n"), words);
  });
}

const WARNED: readonly Case[] = [
  {
    name: "S0-06 two control planes on one physical machine",
    replace: ["roles: [control-plane]", "roles: [control-plane]\n      spec: { host: pve0 }"],
    says: [11, /kube0 and kube1 and kube2 all run on pve0/],
  },
  {
    name: "S0-04 a control plane below what its role needs",
    replace: ["roles: [control-plane]", "roles: [control-plane]\n      spec: { size: { cpus: 1 } }"],
    says: [11, /1 is less than the 2 that the role control-plane needs/],
  },
  {
    name: "S0-07 a single load balancer",
    replace: ["port: 8443", "provider: dedicated-haproxy"],
    says: [5, /lb is the only load balancer/],
  },
  {
    name: "S3-23 a NodePort range over ports of the nodes",
    replace: [NETWORK, "network: { nodePortRange: 80-32767 }"],
    says: [6, /the range covers 6443, 8443, 10250/],
  },
  {
    name: "S2-15 a pair that works without being declared",
    replace: [NETWORK, "runtime: { containerd: { version: 2.4.2 } }"],
    says: [6, /2\.4 for Kubernetes 1\.37/],
  },
];

for (const { name, replace, says } of WARNED) {
  test(`${name} is a warning and passes`, () => {
    const balancer =
      "    - { names: lb, roles: [load-balancer], addresses: 10.20.0.30, macs: ['525400123421'] }\n";
    const text = CLUSTER.replace(...replace) + (replace[1].includes("dedicated") ? balancer : "");
    const { faults, warnings } = judgeText(text);
    assert.deepEqual(told(faults), []);
    const [line, words] = says;
    const found = warnings.find((warning) => words.test(warning.message));
    assert.ok(found, told(warnings).join("\n"));
    assert.equal(found.line, line, told(warnings).join("\n"));
  });
}

const ACCEPTED: readonly (readonly [name: string, before: string, after: string])[] = [
  ["S0-05 five control planes", "macs:\n", 'macs:\n        - "525400123404"\n        - "525400123405"\n'],
  [
    "S2-17 the VIP on 6443 and the API servers on 6444",
    ENDPOINT,
    "endpoint: { address: 10.20.0.9, port: 6443 }\n  apiPort: 6444",
  ],
  ["S3-10 the VIP on any free port", "port: 8443", "port: 60443"],
  [
    "S4-14 the ranges of the hard way",
    NETWORK,
    "network: { podCIDR: 10.200.0.0/16, serviceCIDR: 10.32.0.0/24 }",
  ],
  ["S1-19 kube-vip on the API servers' port", "port: 8443", "provider: kube-vip, port: 6443"],
  [
    "S4-08 an external balancer on 443 outside the network",
    ENDPOINT,
    "endpoint: { address: 10.240.0.50, port: 443, provider: external }",
  ],
  [
    "S0-04 the sizes of the seed",
    "roles: [worker]",
    "roles: [worker]\n      spec: { size: { cpus: 2, memory: 16GB, disk: 20GB } }",
  ],
  [
    "S0-18 labels and taints",
    "roles: [worker]",
    'roles: [worker]\n      spec: { labels: { example.com/gpu: "yes" }, taints: ["gpu=yes:NoSchedule"] }',
  ],
  [
    "S1-03 three machines that are everything",
    "roles: [control-plane]",
    "roles: [control-plane, worker, storage]",
  ],
];

for (const [name, before, after] of ACCEPTED) {
  test(`${name} is accepted without a word`, () => {
    const text = CLUSTER.replace(before, after).replace(
      "10.20.0.10-10.20.0.12",
      name.includes("five") ? "10.20.0.10-10.20.0.14" : "10.20.0.10-10.20.0.12",
    );
    assert.notEqual(text, CLUSTER);
    const { faults, warnings } = judgeText(text);
    assert.deepEqual([told(faults), told(warnings)], [[], []]);
  });
}

test("S2-22 the cluster as it is passes, and its router id does not clash with itself", () => {
  const { faults, warnings } = judgeText(CLUSTER, { subnets: [RACK_NETWORK] });
  assert.deepEqual([told(faults), told(warnings)], [[], []]);
});

test("S4-12 an external etcd on three machines passes; two are refused", () => {
  const external = CLUSTER.replace(NETWORK, "etcd: { topology: external }");
  const hosts = (macs: string) =>
    `    - { names: "etcd#", roles: [etcd], addresses: 10.20.0.30, macs: [${macs}] }\n`;
  assert.deepEqual(
    told(judgeText(external + hosts("'525400123431', '525400123432', '525400123433'")).faults),
    [],
  );
  const [fault] = told(judgeText(external + hosts("'525400123431', '525400123432'")).faults);
  assert.match(fault ?? "", /^6: .*2 etcd hosts make an etcd of 2 members/);
});
