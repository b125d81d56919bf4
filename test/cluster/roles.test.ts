import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { APPLIANCE, ClusterBed, needsClusterLab, OUTSIDE } from "../support/cluster/bed.ts";
import type { Kubectl } from "../support/cluster/kubectl.ts";
import { addressOf, clusterFile, type LabMember } from "../support/cluster/lab-cluster.ts";
import { MemoryDisk } from "../support/cluster/memory-disk.ts";
import { podOn, serviceOf, waitForPod } from "../support/cluster/pods.ts";
import { askName, opens, pushImage } from "../support/cluster/services.ts";

const SECONDS = 900;
const ZONE = "lab.test";
const REGISTRY = `images.${ZONE}`;
const IMAGE = `${REGISTRY}/team/web:1`;
const LOGIN = { name: "pusher", password: "lab-password" };
const PASSWORD_HASH = "$2y$05$TICHjI4WO8OrrwNjFAsYxu/hFtmSD19lPB.LyZe1WwzQmFeG4r36q";
const DISK_BYTES = 64 * 1024 * 1024;
const WEB = "echo it works >/tmp/index.html; exec httpd -f -p 8080 -h /tmp";

const CONTROL: LabMember = { name: "c1", number: 11, roles: ["control-plane"] };
const SERVICES: LabMember = { name: "h1", number: 31, roles: ["dns", "registry", "admin"] };

function worker(disk: MemoryDisk | undefined): LabMember {
  const spec = {
    install: { disk: { path: "/dev/vda" } },
    ...(disk && { dataDisks: [{ disk: { path: disk.path } }] }),
  };
  return { name: "w1", number: 21, roles: ["worker", "storage"], spec };
}

test("a cluster behind firewalls with its own name server, registry, admin host and storage disk", async (t) => {
  if (needsClusterLab(t)) return;
  const bed = await ClusterBed.open(t);
  const disk = await MemoryDisk.add(DISK_BYTES);
  if (disk) t.after(() => disk.remove());
  const all = [CONTROL, SERVICES, worker(disk)];
  await bed.apply(
    clusterFile("lab", all, {
      node: { firewall: "nftables" },
      dns: { zone: ZONE, allow: [APPLIANCE] },
      registry: { name: REGISTRY, users: [{ name: LOGIN.name, passwordHash: PASSWORD_HASH }] },
    }),
  );
  await bed.installAll(all);
  await disk?.putInto(bed.machine("w1"));
  await disk?.format();
  const on = bed.seconds;
  await Promise.all(all.map(({ name }) => bed.machine(name).powerOn()));

  await t.test("S1-30 a disk for storage that is not blank stops its machine, unchanged", async (inner) => {
    if (disk) await isRefused(bed, disk);
    else inner.skip("this kernel has no zram to be a second disk");
  });
  await disk?.clear();
  const cleared = await disk?.digest();
  await bed.waitForReady(all, SECONDS);
  t.diagnostic(`all Ready ${(bed.seconds - on).toFixed(0)} s after they were switched on`);
  assert.equal(await disk?.digest(), cleared, "a blank disk is left as it is");

  const kubectl = await bed.kubectl("lab");
  await t.test("S4-05 every machine has its name and its address in the cluster's own zones", () =>
    hasZones(bed, all),
  );
  await t.test("S2-08 the admin host's kubectl works as it is", () => adminWorks(bed));
  await t.test(
    "S4-23 S4-24 S4-25 an image is pushed to the registry and pods run from it on every node",
    () => registryWorks(bed, kubectl),
  );
  await t.test("S1-15 S4-06 the firewall lets services through, and pods the name server", () =>
    servicesWork(bed, kubectl),
  );
  await t.test("S1-15 the firewall keeps everything else out, etcd from members too", () => keepsOut(bed));
});

async function isRefused(bed: ClusterBed, disk: MemoryDisk): Promise<void> {
  const before = await disk.digest();
  const wanted = `${disk.path} is meant for data but is not blank: ext4`;
  const deadline = performance.now() + SECONDS * 1000;
  for (;;) {
    const { state, failure } = await bed.appliance.machine("w1");
    if (state === "failed" && failure?.reason.includes(wanted) === true) break;
    assert.ok(performance.now() < deadline, `w1 is ${state}: ${failure?.reason ?? ""}\n${bed.report()}`);
    await delay(500);
  }
  assert.equal(await disk.digest(), before, "nothing was written to it");
}

async function hasZones(bed: ClusterBed, all: readonly LabMember[]): Promise<void> {
  const server = addressOf(SERVICES);
  for (const member of all) {
    const name = `${member.name}.${ZONE}`;
    assert.deepEqual(await askName(bed, { server, name }), [addressOf(member)]);
    assert.deepEqual(await askName(bed, { server, name: addressOf(member) }), [name]);
  }
  assert.deepEqual(await askName(bed, { server, name: REGISTRY }), [server]);
  await assert.rejects(askName(bed, { server, name: `c1.${ZONE}`, from: OUTSIDE }), /EREFUSED/);
}

async function adminWorks(bed: ClusterBed): Promise<void> {
  const admin = bed.machine(SERVICES.name);
  const names = await admin.must("kubectl get nodes -o name");
  assert.deepEqual(names.trim().split("\n").sort(), ["node/c1", "node/w1"]);
  assert.equal(await admin.must("stat -c %a /root/.kube/config"), "600\n");
}

async function registryWorks(bed: ClusterBed, kubectl: Kubectl): Promise<void> {
  for (const machine of bed.machines.values()) {
    const code = await machine.must(`curl -sS -o /dev/null -w '%{http_code}' https://${REGISTRY}/v2/`);
    assert.equal(code, "401", `${machine.name} trusts the registry, which wants a login`);
  }
  const from = bed.machine("w1");
  await assert.rejects(pushImage(from, { image: IMAGE }), /unauthorized|authentication required/);
  await pushImage(from, { image: IMAGE, login: LOGIN });
  const credentials = [`--docker-username=${LOGIN.name}`, `--docker-password=${LOGIN.password}`];
  await kubectl.must([
    ...["create", "secret", "docker-registry", "login", `--docker-server=${REGISTRY}`],
    ...credentials,
  ]);
  for (const node of ["c1", "w1"]) {
    const pod = { image: IMAGE, imagePullSecrets: [{ name: "login" }] };
    await kubectl.apply(podOn(node, `web-${node}`, WEB, pod));
    await waitForPod(kubectl, `web-${node}`);
  }
}

async function servicesWork(bed: ClusterBed, kubectl: Kubectl): Promise<void> {
  await kubectl.eventually(["-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=5s"], {
    seconds: 120,
  });
  await kubectl.apply(podOn("w1", "host", WEB.replace("8080", "8099"), { hostNetwork: true }));
  await waitForPod(kubectl, "host");
  await kubectl.apply(serviceOf("web-w1", 8080, { nodePort: 30_080 }));
  await kubectl.apply(serviceOf("host", 8099, { nodePort: 30_099 }));
  const inside = "wget -qO- -T 5 http://web-w1:8080/ && nslookup w1.lab.test && nslookup 10.78.0.31";
  const said = await kubectl.eventually(["exec", "web-c1", "--", "sh", "-c", inside], { seconds: 60 });
  assert.match(said, /it works[^]*10\.78\.0\.21[^]*h1\.lab\.test/);
  for (const node of [CONTROL, worker(undefined)]) {
    for (const port of [30_080, 30_099]) {
      const url = `http://${addressOf(node)}:${port}/`;
      const { stdout } = await bed.namespace.run("curl", ["-sS", "-m", "10", "--interface", OUTSIDE, url]);
      assert.equal(stdout, "it works\n", `${url} from outside`);
    }
  }
}

async function keepsOut(bed: ClusterBed): Promise<void> {
  const from = { namespace: bed.namespace, address: OUTSIDE };
  const [c1, w1, h1] = [addressOf(CONTROL), addressOf(worker(undefined)), addressOf(SERVICES)];
  for (const [address, port] of [
    [c1, 6443],
    [h1, 443],
    [h1, 53],
    [c1, 22],
  ] as const)
    assert.ok(await opens(from, { address, port }), `${address}:${port} is open`);
  for (const [address, port] of [
    [c1, 10_250],
    [c1, 2379],
    [w1, 10_250],
    [w1, 8099],
  ] as const)
    assert.ok(!(await opens(from, { address, port })), `${address}:${port} is closed`);
  assert.ok(await opens(bed.machine("w1"), { address: c1, port: 10_250 }), "members reach each other");
  assert.ok(!(await opens(bed.machine("w1"), { address: c1, port: 2379 })), "etcd is not for workers");
}
