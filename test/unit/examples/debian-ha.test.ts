import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleCluster } from "../../support/example-clusters.ts";
import { describeLines, planned, withRole } from "../../support/seed-plans.ts";

const FILE = "debian-ha/cluster.yaml";
const cluster = exampleCluster(FILE);

test("S2-02 three and three machines, the VIP, and the admin host on another network", () => {
  assert.deepEqual(withRole(cluster, "control-plane"), [
    "k8sm1 10.10.4.101",
    "k8sm2 10.10.4.102",
    "k8sm3 10.10.4.103",
  ]);
  assert.deepEqual(withRole(cluster, "worker"), [
    "k8sw1 10.10.4.111",
    "k8sw2 10.10.4.112",
    "k8sw3 10.10.4.113",
  ]);
  assert.deepEqual(withRole(cluster, "admin"), ["admin 192.168.0.33"]);
  assert.equal(cluster.spec.endpoint?.address, "10.10.4.100");
});

test("S2-03 Debian on every machine", () => {
  assert.deepEqual(
    [...new Set(cluster.members.map(({ spec }) => `${spec.os.name} ${spec.os.version}`))],
    ["debian 13"],
  );
});

test("S2-06 Python, a user and its key are on every machine, so that Ansible can take over", () => {
  for (const { spec } of cluster.members) {
    assert.deepEqual([spec.packages.includes("python3"), spec.access.user], [true, "ansible"]);
    assert.equal(spec.access.sshKeys.length, 1);
  }
});

test("S2-08 the roles are said per machine; none is the first by name", () => {
  assert.deepEqual([...new Set(cluster.members.flatMap(({ roles }) => roles))].sort(), [
    "admin",
    "control-plane",
    "worker",
  ]);
});

test("S2-11 crictl.yaml is exactly the seed's", () => {
  assert.equal(
    planned(cluster, "k8sw1", "/etc/crictl.yaml"),
    [
      "runtime-endpoint: unix:///run/containerd/containerd.sock",
      "image-endpoint: unix:///run/containerd/containerd.sock",
      "timeout: 10",
      "debug: false",
      "",
    ].join("\n"),
  );
});

test("S2-27 the MTU is settable, jumbo frames included", () => {
  assert.equal(cluster.spec.network.mtu, 8950);
});

test("S2-32, S2-34 a dashboard and metrics are add-ons", () => {
  assert.deepEqual(
    cluster.spec.addons.map(({ name }) => name),
    ["metrics-server", "headlamp", "kube-prometheus"],
  );
});

const INIT = "/etc/muster/node/kubeadm-init.yaml";
const HAPROXY = "/etc/haproxy/haproxy.cfg";

describeLines(FILE, [
  {
    id: "S2-05",
    what: "a control plane below kubeadm's minimum is told before kubeadm runs",
    machine: "k8sm1",
    in: "LEAST_MEMORY",
    says: [/^1700$/],
  },
  {
    id: "S2-09",
    what: "containerd and no Docker, on control planes too",
    machine: "k8sm1",
    in: "/etc/systemd/system/containerd.service",
    says: [/ExecStart=\/usr\/local\/bin\/containerd/],
  },
  {
    id: "S2-10",
    what: "containerd lets systemd drive cgroups",
    machine: "k8sm1",
    in: "/etc/containerd/config.toml",
    says: [/SystemdCgroup = true/],
  },
  {
    id: "S2-12",
    what: "kernel modules come back at every boot",
    machine: "k8sw1",
    in: "/etc/modules-load.d/muster.conf",
    says: [/^br_netfilter$/m, /^overlay$/m],
  },
  {
    id: "S2-12",
    what: "sysctls stand in 99-kubernetes-cri.conf",
    machine: "k8sw1",
    in: "/etc/sysctl.d/99-kubernetes-cri.conf",
    says: [/^net\.ipv4\.ip_forward = 1$/m],
  },
  {
    id: "S2-13",
    what: "time servers are the cluster's",
    machine: "k8sw1",
    in: "/etc/systemd/timesyncd.conf.d/muster.conf",
    says: [/NTP=0\.ru\.pool\.ntp\.org 1\.ru\.pool\.ntp\.org/],
  },
  {
    id: "S2-14",
    what: "Kubernetes is an exact version",
    machine: "k8sm1",
    in: INIT,
    says: [/kubernetesVersion: v1\.36\.3/],
  },
  {
    id: "S2-17",
    what: "the VIP is on 6443 and the API servers on 6444",
    machine: "k8sm1",
    in: HAPROXY,
    says: [/bind \*:6443\n/, /server k8sm1 10\.10\.4\.101:6444/],
  },
  {
    id: "S2-17",
    what: "kubeadm is told the other port",
    machine: "k8sm1",
    in: INIT,
    says: [/bindPort: 6444/, /controlPlaneEndpoint: "?10\.10\.4\.100:6443/],
  },
  {
    id: "S2-18",
    what: "statistics on 8080, health over TLS by HTTP status, long timeouts",
    machine: "k8sm1",
    in: HAPROXY,
    says: [
      /bind \*:8080[^]*stats uri \/haproxy\?stats/,
      /http-check send meth GET uri \/readyz\n\s+http-check expect status 200/,
      /check-ssl/,
      /timeout client 10800s/,
    ],
  },
  {
    id: "S2-19",
    what: "keepalived by unicast, router id 51, a password, a check whose failure gives the VIP away",
    machine: "k8sm1",
    in: "/etc/keepalived/keepalived.conf",
    says: [
      /unicast_peer \{\n\s+10\.10\.4\.102\n\s+10\.10\.4\.103/,
      /virtual_router_id 51/,
      /auth_pass k8s-vrrp/,
      /enable_script_security/,
      /weight 0\n[^]*nopreempt/,
    ],
  },
  {
    id: "S2-21",
    what: "the configuration file way of kubeadm, in its present version",
    machine: "k8sm1",
    in: INIT,
    says: [/apiVersion: kubeadm\.k8s\.io\/v1beta4/],
  },
  {
    id: "S2-22",
    what: "pod and service networks are others than the hosts'",
    machine: "k8sm1",
    in: INIT,
    says: [/podSubnet: "10\.244\.0\.0\/16"\n\s+serviceSubnet: "10\.96\.0\.0\/12"/],
  },
  {
    id: "S2-29",
    what: "kubelets get their serving certificates from the cluster and renew their own",
    machine: "k8sm1",
    in: INIT,
    says: [/serverTLSBootstrap: true/, /rotateCertificates: true/],
  },
]);
