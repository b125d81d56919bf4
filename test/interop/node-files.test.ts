/** Every file that a plan renders, read by the program that will read it on the machine. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import type { NodePlan } from "../../src/domain/node/plan-types.ts";
import { aCluster, aMember } from "../support/clusters.ts";
import { EXAMPLE_FILES, exampleCluster, membersByRoles } from "../support/example-clusters.ts";
import { planOf } from "../support/node-machine.ts";

const TEMPLATES = join(import.meta.dirname, "../../boot-templates");
const COMPILED = join(
  process.env["MUSTER_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "muster"),
  "kubernetes",
);

interface Written {
  readonly cluster: string;
  readonly machine: string;
  readonly plan: NodePlan;
  /** The machine's root directory. */
  readonly root: string;
}

const everything = aCluster({
  name: "everything",
  spec: {
    kubernetes: { version: "1.36.3" },
    endpoint: {
      address: "10.20.0.9",
      bind: "address",
      vrrp: { preempt: true, preferred: "kube1", password: "secret12" },
      stats: { user: "ops", password: "pass" },
      forwards: [{ name: "http", port: 80, targetPort: 880 }],
      server: { slowStartSeconds: 60, maxConnections: 250, maxQueue: 256, weight: 100, downInterSeconds: 5 },
    },
    network: { cni: "routed", nodePrefix: 25, nodePortRange: "80-32767", mtu: 8950 },
    controlPlane: {
      certSANs: ["198.51.100.7"],
      featureGates: { MemoryQoS: false },
      apiServer: {
        extraArgs: [{ name: "audit-log-path", value: "/var/log/kubernetes/audit.log" }],
        extraVolumes: [
          {
            name: "audit",
            hostPath: "/var/log/kubernetes",
            mountPath: "/var/log/kubernetes",
            readOnly: false,
            pathType: "DirectoryOrCreate",
          },
        ],
      },
    },
    kubelet: { config: { maxPods: 50, evictionHard: { "memory.available": "300Mi" } } },
    kubeadm: { patches: [{ target: "etcd", content: "metadata:\n  annotations:\n    a: b\n" }] },
    runtime: {
      containerd: {
        config:
          'version = 3\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]\nSystemdCgroup = false\n',
      },
    },
    images: { fallback: false },
    node: {
      firewall: "nftables",
      trustedNetworks: ["192.0.2.0/24", "198.51.100.0/25"],
      reserved: { system: { cpu: "200m", memory: "256Mi", ephemeralStorage: "1Gi" }, kube: { cpu: "100m" } },
      labels: { "example.com/rack": "a1" },
    },
  },
});

const debianContainerd: ClusterView = aCluster({
  name: "debian-containerd",
  spec: {
    kubernetes: { version: "1.36.3" },
    endpoint: { address: "10.20.0.9", provider: "kube-vip", port: 6443 },
    etcd: { topology: "external", deployment: "static-pod" },
    runtime: { containerd: { source: "debian" } },
  },
  members: [
    aMember("etcd0", { roles: ["etcd"], host: 30 }),
    aMember("kube0", { roles: ["control-plane"], host: 10 }),
    aMember("kube1", { roles: ["control-plane"], host: 11 }),
    aMember("work0", { roles: ["worker"], host: 20 }),
  ],
});

/** All plans on disk, the CA a real one because haproxy reads it. */
function written(t: TestContext): readonly Written[] {
  const directory = mkdtempSync(join(tmpdir(), "muster-node-files-"));
  chmodSync(directory, 0o755);
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  execFileSync(
    "openssl",
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out ca.pem -days 2 -subj /CN=kubernetes".split(
      " ",
    ),
    { cwd: directory, stdio: "ignore" },
  );
  const clusters = [...EXAMPLE_FILES.map((file) => exampleCluster(file)), everything, debianContainerd];
  return clusters.flatMap((cluster) =>
    membersByRoles(cluster).map((machine) => {
      const plan = planOf(cluster, machine);
      const root = join(directory, cluster.name, machine);
      for (const { path, mode, content } of [...plan.files, ...plan.planFiles]) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        const text = path.endsWith("cluster-ca.crt")
          ? execFileSync("cat", [join(directory, "ca.pem")])
          : content;
        writeFileSync(join(root, path), text);
        chmodSync(join(root, path), Number.parseInt(mode, 8));
      }
      return { cluster: cluster.name, machine, plan, root };
    }),
  );
}

function missing(t: TestContext, program: string): boolean {
  const found = spawnSync("sh", ["-c", `command -v "${program}"`]).status === 0;
  if (!found) t.skip(`needs the program ${program}`);
  return !found;
}

function check(
  command: string,
  args: readonly string[],
  { where, input }: { where: string; input?: string },
): string {
  const result = spawnSync(command, args, {
    encoding: "utf8",
    timeout: 120_000,
    ...(input === undefined ? {} : { input }),
  });
  assert.equal(result.status, 0, `${where}: ${command} ${args.join(" ")}\n${result.stdout}${result.stderr}`);
  return result.stdout + result.stderr;
}

/** A copy with paths of the machine turned into paths below its directory here. */
function localised({ root }: Written, path: string, prefixes: readonly string[]): string | undefined {
  const file = join(root, path);
  if (!existsSync(file)) return undefined;
  let text = execFileSync("cat", [file], { encoding: "utf8" });
  for (const prefix of prefixes) text = text.replaceAll(prefix, `${root}${prefix}`);
  writeFileSync(`${file}.here`, text);
  return `${file}.here`;
}

const at = ({ cluster, machine }: Written) => `${cluster}/${machine}`;

test("S2-17 S3-16 S4-08 haproxy takes every haproxy.cfg", (t) => {
  if (missing(t, "haproxy")) return;
  let seen = 0;
  for (const each of written(t)) {
    const file = localised(each, "/etc/haproxy/haproxy.cfg", ["/etc/muster/cluster-ca.crt"]);
    if (!file) continue;
    check("haproxy", ["-c", "-q", "-f", file], { where: at(each) });
    seen++;
  }
  assert.ok(seen >= 4);
});

test("S2-19 S3-18 keepalived takes every keepalived.conf", (t) => {
  if (missing(t, "keepalived")) return;
  if (process.getuid?.() !== 0) {
    t.skip("keepalived reads its configuration only as root");
    return;
  }
  const nic = spawnSync(
    "sh",
    ["-c", "ip -o link | grep -v LOOPBACK | head -n 1 | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'"],
    {
      encoding: "utf8",
    },
  ).stdout.trim();
  if (!nic) {
    t.skip("needs a network interface besides the loopback one");
    return;
  }
  let seen = 0;
  for (const each of written(t)) {
    const file = localised(each, "/etc/keepalived/keepalived.conf", ["/usr/local/lib/muster/check-endpoint"]);
    if (!file) continue;
    check("sed", ["-i", `s/@INTERFACE@/${nic}/`, file], { where: at(each) });
    check("keepalived", ["-t", "-f", file], { where: at(each) });
    seen++;
  }
  assert.ok(seen >= 3);
});

test("S4-05 named takes the zones and its configuration", (t) => {
  if (missing(t, "named-checkzone") || missing(t, "named-checkconf")) return;
  const servers = written(t).filter(({ root }) => existsSync(join(root, "etc/bind")));
  assert.ok(servers.length >= 1);
  for (const each of servers) {
    const zones = join(each.root, "etc/muster/node/zones");
    const names = readdirSync(zones).map((name) => name.replace(/^db\./, ""));
    for (const name of names) {
      check("sed", ["-i", "s/@SERIAL@/1/", join(zones, `db.${name}`)], { where: at(each) });
      check("named-checkzone", ["-q", name, join(zones, `db.${name}`)], { where: at(each) });
    }
    if (each.cluster === "lan") assert.deepEqual(names.sort(), ["240.10.in-addr.arpa", "lan"]);
    mkdirSync(join(each.root, "var/cache/bind"), { recursive: true });
    const whole = join(each.root, "etc/bind/named.conf");
    const parts = ["named.conf.options", "named.conf.local"].map((name) =>
      readFileSync(join(each.root, "etc/bind", name), "utf8")
        .replaceAll("/var/cache/bind", join(each.root, "var/cache/bind"))
        .replaceAll("/etc/bind/muster", zones),
    );
    writeFileSync(whole, parts.join("\n"));
    check("named-checkconf", ["-z", whole], { where: at(each) });
  }
});

test("S1-15 nft takes every firewall", (t) => {
  if (missing(t, "nft")) return;
  let seen = 0;
  for (const each of written(t)) {
    const file = join(each.root, "etc/muster/firewall.nft");
    if (!existsSync(file)) continue;
    // In a network namespace of its own: nothing of this host's rules is looked at or touched.
    check("unshare", ["--net", "nft", "-c", "-f", file], { where: at(each) });
    seen++;
  }
  assert.ok(seen >= 2);
});

test("DESIGN-8 systemd takes every unit", (t) => {
  if (missing(t, "systemd-analyze")) return;
  const units = new Map<string, string>();
  for (const each of written(t)) {
    for (const { path, content } of each.plan.files) {
      const drop = /\/system\/([^/]+\.service)\.d\//.exec(path);
      if (/\/systemd\/system\/[^/]+\.service$/.test(path))
        units.set(`${path} ${content}`, join(each.root, path));
      else if (drop) assert.match(content, /^\[Service\]\n/);
    }
  }
  const shipped = [
    "muster-node.service",
    "muster-routes.service",
    "muster-routes.timer",
    "muster-refresh.service",
    "muster-refresh.timer",
  ].map((name) => join(TEMPLATES, "node", name));
  for (const file of [...units.values(), ...shipped]) {
    const result = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
    const own = result.stderr
      .split("\n")
      // Programs that are on the machine and not here.
      .filter(
        (line) =>
          line && !/is not executable: No such file|Unit .* not found|Failed to prepare filename/.test(line),
      );
    assert.deepEqual(own, [], file);
  }
  assert.ok(units.size >= 4);
});

test("DESIGN-8 the shell takes every script, shellcheck finds nothing", (t) => {
  const shipped = [
    ...["node", "routes", "refresh", "lib.sh"].map((name) => join(TEMPLATES, "node", name)),
    ...readdirSync(join(TEMPLATES, "node/steps")).map((name) => join(TEMPLATES, "node/steps", name)),
    join(TEMPLATES, "first-boot/payload"),
  ];
  const rendered = written(t).flatMap(({ plan, root }) =>
    plan.files.filter(({ content }) => content.startsWith("#!/bin/sh")).map(({ path }) => join(root, path)),
  );
  for (const file of [...shipped, ...rendered]) check("sh", ["-n", file], { where: file });
  if (missing(t, "shellcheck")) return;
  check("shellcheck", ["-x", "-s", "sh", ...shipped, ...rendered], { where: "scripts" });
});

test("S2-10 Debian's containerd takes the configuration in version 2", (t) => {
  if (missing(t, "containerd")) return;
  let seen = 0;
  for (const each of written(t).filter(({ cluster }) => cluster === "debian-containerd")) {
    const file = localised(each, "/etc/containerd/config.toml", ["/etc/containerd/conf.d"]);
    if (!file) continue;
    const dump = check("containerd", ["-c", file, "config", "dump"], { where: at(each) });
    assert.match(dump, /SystemdCgroup = true/);
    assert.match(dump, /sandbox_image = "registry\.k8s\.io\/pause:/);
    assert.match(dump, /config_path = "\/etc\/containerd\/certs\.d"/);
    seen++;
  }
  assert.ok(seen >= 2);
});

/** A compiled program of the cluster tests; skips when it is not there. */
function compiled(t: TestContext, component: string, program: string): string | undefined {
  const versions = existsSync(COMPILED)
    ? readdirSync(COMPILED).filter((name) => name.startsWith(`${component}-`))
    : [];
  const found = versions.map((name) => join(COMPILED, name, program)).find((path) => existsSync(path));
  if (!found) t.skip(`needs the compiled ${program}: the cluster tests make it (npm run test:cluster)`);
  return found;
}

test("S2-10 containerd 2 takes the configuration in version 3, a person's settings on top", (t) => {
  const containerd = compiled(t, "containerd", "containerd");
  if (!containerd) return;
  for (const each of written(t).filter(({ cluster }) => cluster !== "debian-containerd")) {
    const file = localised(each, "/etc/containerd/config.toml", ["/etc/containerd/conf.d"]);
    if (!file) continue;
    const dump = check(containerd, ["-c", file, "config", "dump"], { where: at(each) });
    assert.match(dump, each.cluster === "everything" ? /SystemdCgroup = false/ : /SystemdCgroup = true/);
    assert.match(dump, /sandbox = 'registry\.k8s\.io\/pause:/);
    assert.match(dump, /config_path = '\/etc\/containerd\/certs\.d'/);
  }
});

test("S2-21 kubeadm itself takes every file for init and join", (t) => {
  const kubeadm = compiled(t, "kubernetes", "kubeadm");
  if (!kubeadm) return;
  let seen = 0;
  for (const each of written(t)) {
    for (const name of ["kubeadm-init.yaml", "kubeadm-join.yaml"]) {
      const file = join(each.root, "etc/muster/node", name);
      if (!existsSync(file)) continue;
      check("sed", ["-i", "s/@TOKEN@/abcdef.0123456789abcdef/", file], { where: at(each) });
      const said = check(kubeadm, ["config", "validate", "--config", file], { where: `${at(each)} ${name}` });
      assert.doesNotMatch(said, /unknown field|warning/i, `${at(each)} ${name}`);
      seen++;
    }
  }
  assert.ok(seen >= 10);
});
