import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { aCluster, aMember } from "../support/clusters.ts";
import { NodeMachine } from "../support/node-machine.ts";

const cluster = aCluster({ spec: { kubernetes: { version: "1.36.3" }, network: { cni: "routed" } } });

function machine(t: TestContext, name: string, turn: "init" | "join"): NodeMachine {
  const made = new NodeMachine(cluster, name, turn);
  t.after(() => made.remove());
  return made;
}

/** Files that may differ between runs: checksums of what was applied do not, but times and tokens would. */
const settled = (it: NodeMachine) => it.files();

const LEFT_OPEN = /[a-z0-9]{6}\.[a-z0-9]{16}/;

test("STEPS the first control plane initialises, applies the network and leaves no secret behind", (t) => {
  const kube0 = machine(t, "kube0", "init");
  const { finished, output } = kube0.run();
  assert.ok(finished, output);
  const done = kube0.reports.filter((line) => line.endsWith(" done")).map((line) => line.split(" ")[0]);
  assert.deepEqual(
    [...new Set(done)],
    [
      ...["fetch", "files", "packages", "binaries", "system", "runtime", "images", "balancer"],
      ...["secrets", "kubeadm", "network", "addons", "finish", "finished"],
    ],
  );
  assert.match(kube0.read("log"), /^kubeadm init$/m);
  for (const [path, text] of kube0.files()) {
    if (!path.startsWith("/usr/local/lib/muster")) assert.doesNotMatch(text, LEFT_OPEN, path);
  }
  assert.equal(kube0.has("root/etc/kubernetes/super-admin.conf"), false);
  assert.equal(kube0.has("root/run/muster/kubeadm.yaml"), false);
  assert.match(kube0.read("root/etc/keepalived/keepalived.conf"), /interface enp1s0/);
  assert.match(kube0.read("root/etc/cni/net.d/10-muster.conflist"), /"subnet": "10\.244\.7\.0\/24"/);
  assert.match(kube0.read("root/etc/fstab"), /^# no swap on a node: \/dev\/vda2/m);
  assert.match(kube0.read("root/etc/hosts"), /^10\.20\.0\.20 work0$/m);
});

test("S2-16, STEPS haproxy and keepalived are restarted although their packages started them", (t) => {
  const kube0 = machine(t, "kube0", "init");
  kube0.run();
  const log = kube0.read("log");
  assert.match(log, /restart haproxy\n(?:.*\n)*restart keepalived\n(?:.*\n)*kubeadm init/);
});

test("S3-15, STEPS after a reboot a machine that is set up does nothing", (t) => {
  const work0 = machine(t, "work0", "join");
  assert.ok(work0.run().finished);
  const before = settled(work0);
  const reports = work0.reports.length;
  const { finished, output } = work0.run();
  assert.ok(finished);
  assert.match(output, /nothing to do/);
  assert.equal(work0.reports.length, reports);
  assert.deepEqual(settled(work0), before);
});

test("STEPS a failed join is undone, reported with its log and without its token, and tried again", (t) => {
  const kube1 = machine(t, "kube1", "join");
  kube1.write("fail-join", "");
  const { finished, output } = kube1.run();
  assert.ok(finished, output);
  assert.match(kube1.read("log"), /kubeadm join\n(?:.*\n)*kubeadm reset\n(?:.*\n)*kubeadm join/);
  const failure = kube1
    .read("appliance/reports")
    .split("\n")
    .find((line) => line.includes('"failed"'));
  assert.match(failure ?? "", /timed out with token \(token\)/);
  assert.doesNotMatch(failure ?? "", /abcdef\.0123456789abcdef/);
});

test("DESIGN-5.6 a join that ends after its turn has moved on is undone, and another turn is asked for", (t) => {
  const kube1 = machine(t, "kube1", "join");
  kube1.write("appliance/not-believed", "");
  const { finished, output } = kube1.run();
  assert.ok(finished, output);
  assert.match(output, /answered 409 to report: it is not its turn/);
  assert.match(kube1.read("log"), /kubeadm join\n(?:.*\n)*kubeadm reset\n(?:.*\n)*kubeadm join/);
});

test("STEPS a machine that waits for the appliance says why", (t) => {
  const kube0 = machine(t, "kube0", "init");
  kube0.write("appliance/refusals", "report 503\nturn 503\n");
  const { finished, output } = kube0.run();
  assert.ok(finished, output);
  assert.match(output, /^muster: the appliance answered 503 to report: the store is busy/m);
  assert.match(output, /^muster: waiting: the appliance answered 503 to turn: the store is busy/m);
});

test("S0-05 a control plane that came later reaches the balancer and the names of machines that are set up", (t) => {
  const kube0 = machine(t, "kube0", "init");
  assert.ok(kube0.run().finished);
  const members = [...cluster.members, aMember("kube3", { roles: ["control-plane"], host: 13 })];
  kube0.offer({ ...cluster, members }, "kube0");
  kube0.write("log", "");
  const { finished, output } = kube0.run({ program: "refresh" });
  assert.ok(finished, output);
  assert.match(kube0.read("root/etc/haproxy/haproxy.cfg"), /server kube3 10\.20\.0\.13:6443/);
  assert.match(kube0.read("root/etc/hosts"), /^10\.20\.0\.13 kube3$/m);
  assert.match(kube0.read("log"), /^reload-or-restart haproxy$/m);
  assert.doesNotMatch(kube0.read("log"), /containerd|kubeadm|restart kubelet/);
  kube0.write("log", "");
  assert.ok(kube0.run({ program: "refresh" }).finished);
  assert.equal(kube0.read("log"), "", "nothing new, nothing done");
});

test("STEPS a reset is done only when the turn orders it", (t) => {
  const kube0 = machine(t, "kube0", "init");
  kube0.write("appliance/orders", "action=reset\n");
  kube0.write("root/var/lib/etcd/member/id", "an older cluster\n");
  const { finished, output } = kube0.run();
  assert.ok(finished, output);
  assert.ok(kube0.reports.includes("reset done"));
  assert.doesNotMatch(kube0.read("etcd-ids"), /an older cluster/);
});

test("DESIGN-5.6 a machine that was declared gone clears its disk, stops its balancer and asks no more", (t) => {
  for (const argument of ["", "refused"]) {
    const kube0 = machine(t, "kube0", "init");
    assert.ok(kube0.run().finished);
    rmSync(join(kube0.lab, "appliance/acknowledged"));
    rmSync(join(kube0.lab, "root/var/lib/muster/node"), { recursive: true });
    kube0.write("appliance/orders", "action=leave\n");
    kube0.write("log", "");
    const { finished, output } = kube0.run({ argument });
    assert.ok(finished, output);
    assert.match(output, /declared gone: because a test says so\n(?:.*\n)*.*reimage it/);
    assert.match(kube0.read("log"), /disable keepalived\ndisable haproxy\n(?:.*\n)*kubeadm reset/);
    assert.doesNotMatch(kube0.read("log"), /kubeadm (init|join)/);
    assert.equal(kube0.has("root/var/lib/etcd/member"), false);
    assert.equal(kube0.has("root/etc/kubernetes/admin.conf"), false);
  }
});

test("DESIGN-5.6 a machine that was refused for another reason touches nothing", (t) => {
  const kube0 = machine(t, "kube0", "init");
  assert.ok(kube0.run().finished);
  const before = settled(kube0);
  kube0.write("log", "");
  assert.equal(kube0.run({ argument: "refused" }).finished, false, "its turn says done");
  kube0.write("appliance/refusals", "turn 403\n");
  assert.equal(kube0.run({ argument: "refused" }).finished, false);
  assert.equal(kube0.read("log"), "");
  assert.deepEqual(settled(kube0), before);
});

test("S4-12 a host of an external etcd runs it as a static pod and is no node", (t) => {
  const etcd0 = aMember("etcd0", { roles: ["etcd"], host: 30 });
  const external = aCluster({
    spec: { etcd: { topology: "external", deployment: "static-pod" }, network: { cni: "routed" } },
    members: [...cluster.members, etcd0],
  });
  for (const [turn, state] of [
    ["init", "new"],
    ["join", "existing"],
  ] as const) {
    const host = new NodeMachine(external, "etcd0", turn);
    t.after(() => host.remove());
    const { finished, output } = host.run();
    assert.ok(finished, output);
    assert.match(
      host.read("root/etc/kubernetes/manifests/etcd.yaml"),
      new RegExp(`--initial-cluster-state=${state}`),
    );
    assert.doesNotMatch(host.read("log"), /^kubeadm (init|join)$/m);
    assert.equal(host.has("root/etc/cni/net.d/10-muster.conflist"), false, "no pod has an address here");
  }
});

/** Calls at which a run is killed: a few spread over it, or every `MUSTER_KILL_STEP`th one. */
function killPoints(calls: number): readonly number[] {
  const step = Number(process.env["MUSTER_KILL_STEP"] ?? Math.ceil(calls / 3));
  const first = Math.min(step, 1 + Math.floor(step / 2));
  return Array.from({ length: Math.floor((calls - first) / step) + 1 }, (_, index) => first + index * step);
}

for (const { name, turn, title } of [
  { name: "kube0", turn: "init", title: "the init holder goes on with its one etcd" },
  { name: "kube1", turn: "join", title: "a control plane joins" },
  { name: "work0", turn: "join", title: "a worker joins" },
] as const) {
  test(`KILLS power cut at any program call: ${title} and everything is as without one`, (t) => {
    const calm = machine(t, name, turn);
    assert.ok(calm.run().finished);
    const wanted = settled(calm);
    for (const killAt of killPoints(calm.calls)) {
      const cut = new NodeMachine(cluster, name, turn);
      const first = cut.run({ killAt });
      const where = `killed at call ${killAt}: ${cut.read("killed-at")}`;
      assert.equal(first.finished, false, where);
      const second = cut.run();
      assert.ok(second.finished, `${where}\n${second.output}`);
      const ids = new Set(cut.read("etcd-ids").split("\n").filter(Boolean));
      if (turn === "init") assert.equal(ids.size, 1, `${where}: one etcd in its life`);
      const files = settled(cut);
      assert.deepEqual([...files.keys()], [...wanted.keys()], where);
      for (const [path, text] of wanted) {
        if (!path.includes("/etcd/member/") && !path.endsWith("/trusted"))
          assert.equal(files.get(path), text, `${where}: ${path}`);
      }
      cut.remove();
    }
  });
}

test("KILLS power cut while the payload is fetched: it is whole or not there, and then the script starts", (t) => {
  const later = {
    ...cluster,
    members: [...cluster.members, aMember("work2", { roles: ["worker"], host: 22 })],
  };
  const calm = machine(t, "work0", "join");
  calm.offer(later, "work0");
  calm.write("appliance/unready", "204\n503\n");
  const { finished, output } = calm.run({ program: "payload" });
  assert.ok(finished, output);
  assert.match(output, /belongs to no cluster yet/);
  assert.match(output, /the appliance answered 503/);
  assert.match(calm.read("log"), /^restart muster-node\.service$/m);
  assert.match(calm.read("root/etc/muster/node/hosts"), /work2/);
  for (const killAt of killPoints(calm.calls)) {
    const cut = machine(t, "work0", "join");
    cut.offer(later, "work0");
    assert.equal(cut.run({ program: "payload", killAt }).finished, false);
    if (!cut.has("root/var/lib/muster/payload")) assert.doesNotMatch(cut.read("log"), /restart muster-node/);
    assert.ok(cut.run({ program: "payload" }).finished);
    assert.match(cut.read("root/etc/muster/node/hosts"), /work2/);
    assert.deepEqual([...cut.files().keys()], [...calm.files().keys()], `killed at ${killAt}`);
  }
});
