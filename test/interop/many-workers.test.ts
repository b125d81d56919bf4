/** Fifty workers at once: the shipped node script and curl on their side, real TLS and the real turns on the other. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { shellAssignments } from "../../src/domain/install/shell.ts";
import { aCluster, aMember } from "../support/clusters.ts";
import { openNodeDoor } from "../support/node-door.ts";
import { NodeMachine } from "../support/node-machine.ts";
import { startTurns } from "../support/turn-services.ts";

const WORKERS = Array.from({ length: 50 }, (_, ordinal) => `work${ordinal}`);
const KUBE0 = { machine: "kube0", generation: 1 };
/** Remembers the token that it was given, and leaves what a join leaves. */
const KUBEADM = `#!/bin/sh
[ "$1" = join ] || exit 1
grep -o '[a-z0-9]\\{6\\}\\.[a-z0-9]\\{16\\}' "$3" >>"$LAB/token-used"
mkdir -p "$LAB/root/etc/kubernetes"
echo kubelet >"$LAB/root/etc/kubernetes/kubelet.conf"
`;
const LIMIT_MS = 900_000;

/** Runs the script of a machine to its end; resolves with what it wrote when it did not end well. */
function run(machine: NodeMachine, address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const script = join(machine.lab, "root/usr/local/lib/muster/node");
    const child = spawn("sh", [script], {
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that nothing of it outlives its time.
      detached: true,
      env: {
        PATH: `${join(machine.lab, "bin")}:${process.env["PATH"] ?? ""}`,
        REAL_PATH: process.env["PATH"] ?? "",
        LAB: machine.lab,
        OWN_ADDRESS: address,
        MUSTER_ROOT: join(machine.lab, "root"),
        MUSTER_LONGEST_PAUSE: "1",
        MUSTER_SHORTEST_PAUSE: "1",
        KILL_AT: "0",
      },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => (output += String(chunk)));
    const end = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), LIMIT_MS);
    child.on("close", (code) => {
      clearTimeout(end);
      resolve(code === 0 ? undefined : output);
    });
  });
}

test("DESIGN-5.6 fifty workers run the shipped node script at once: turns, tokens and registry hold", async (t) => {
  const workers = WORKERS.map((name, ordinal) => aMember(name, { roles: ["worker"], host: 100 + ordinal }));
  const members = [aMember("kube0", { roles: ["control-plane"], host: 10 }), ...workers];
  const cluster = aCluster({
    members,
    spec: { kubernetes: { version: "1.36.3" }, network: { cni: "none" } },
  });
  const services = await startTurns({ cluster });
  const door = await openNodeDoor(services);
  t.after(() => door.stop());
  const { rack, turns, reports, states, core, tokens } = services;
  rack.obey("kube0", await turns.ask(KUBE0, { kubeletConf: false, etcdData: false }));
  while (rack.work("kube0") === "working");
  await reports.report(KUBE0, { step: "kubeadm", state: "done" });

  let most = 0;
  states.subscribe(({ joins }) => {
    most = Math.max(most, joins.length);
  });
  const machines: { readonly machine: NodeMachine; readonly address: string }[] = [];
  for (const { name, address } of workers) {
    const machine = new NodeMachine(cluster, name, "join");
    t.after(() => machine.remove());
    const { cert, key } = await door.enrol(name);
    machine.write("root/etc/muster/ca.pem", door.ca);
    machine.write("root/var/lib/muster/node.crt", cert);
    machine.write("root/var/lib/muster/node.key", key);
    const url = `https://127.0.0.1:${door.port}/node/v1`;
    machine.write(
      "root/etc/muster/settings",
      shellAssignments({ MACHINE: name, GENERATION: 1, NODE_URL: url, HEALTH_URL: url }),
    );
    // What comes before the turn is shown elsewhere; here fifty machines are to stand at the door at once.
    const settings = machine.read("root/etc/muster/node/settings");
    machine.write("root/etc/muster/node/settings", settings.replace(/^STEPS=.*$/m, "STEPS=''"));
    machine.write("calls", "0\n");
    for (const real of ["curl", "sleep", "kubeadm"]) rmSync(join(machine.lab, "bin", real));
    machine.write("bin/kubeadm", KUBEADM);
    chmodSync(join(machine.lab, "bin/kubeadm"), 0o755);
    machines.push({ machine, address });
  }

  const failures = await Promise.all(machines.map(({ machine, address }) => run(machine, address)));
  assert.deepEqual(
    failures.filter((output) => output !== undefined),
    [],
  );
  assert.ok(most > 1 && most <= 10, `${most} had the turn at once`);
  const { joins, members: progress } = states.get("lab");
  assert.deepEqual(joins, []);
  for (const name of WORKERS) {
    assert.notEqual(progress[name]?.joinedAt, undefined, name);
    assert.notEqual(progress[name]?.finishedAt, undefined, name);
    assert.equal(core.registry.byName(name)?.state, "joining", `${name} is ready only when its Node is`);
  }
  const used = machines.map(({ machine }) => machine.read("token-used").trim());
  assert.equal(new Set(used).size, WORKERS.length, "every join had a token of its own");
  await tokens.sweep(cluster);
  assert.deepEqual([...(rack.alive()?.tokens.keys() ?? [])], [], "and none is left");
});
