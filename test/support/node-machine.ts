/** A machine that runs the shipped node script in a directory of its own, with stub programs instead of the system's. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import { kubernetesRelease } from "../../src/domain/components/kubernetes-release.ts";
import { shellAssignments } from "../../src/domain/install/shell.ts";
import { planNode } from "../../src/domain/node/node-plan.ts";
import type { NodePlan } from "../../src/domain/node/plan-types.ts";
import { encodeTar } from "../../src/protocol/tar.ts";
import { packPayload, payloadFiles } from "../../src/services/node/payload.ts";
import { shippedTemplates } from "./install-plans.ts";

const STUB = join(import.meta.dirname, "programs/node-stub.sh");
const STUBBED =
  "curl kubeadm kubectl ip dpkg-query dpkg apt-get ctr systemctl ss nft lsblk findmnt wipefs swapoff modprobe sysctl update-ca-certificates haproxy keepalived containerd sshd timeout sleep mv rm tar sync chmod install named-checkconf named-checkzone";

export const TEST_APPLIANCE = {
  address: "10.20.0.1",
  httpPort: 8080,
  httpsPort: 8443,
  caCertificate: "-----BEGIN CERTIFICATE-----\nAPPLIANCE\n-----END CERTIFICATE-----\n",
};

/** The plan of one member of a cluster, with a CA that is only a text. */
export function planOf(cluster: ClusterView, name: string): NodePlan {
  const member = cluster.members.find((each) => each.name === name);
  const release = kubernetesRelease(cluster.spec.kubernetes.version);
  if (!member || !release) throw new RangeError(`${name} is no member, or its Kubernetes is unknown`);
  return planNode({
    member,
    cluster,
    release,
    appliance: TEST_APPLIANCE,
    pki: {
      caHashes: [`sha256:${"ab".repeat(32)}`],
      caCertificate: "-----BEGIN CERTIFICATE-----\nCLUSTER\n-----END CERTIFICATE-----\n",
    },
  });
}

export class NodeMachine {
  readonly lab: string;
  readonly #address: string;

  constructor(cluster: ClusterView, name: string, turn: "init" | "join") {
    this.lab = mkdtempSync(join(tmpdir(), "muster-node-script-"));
    const plan = planOf(cluster, name);
    this.#address = String(plan.settings["ADDRESS"]);
    this.#programs();
    this.#unpack(plan);
    this.write("appliance/turn", `action=${turn}\nrole=control-plane\n`);
    this.write("appliance/etcd-id", "cluster-of-the-others\n");
    this.write("appliance/routes", `10.244.7.0/24 ${this.#address}\n10.244.8.0/24 10.20.0.99\n`);
    this.write("log", "");
    this.write("root/etc/fstab", "/dev/vda1 / ext4 defaults 0 1\n/dev/vda2 none swap sw 0 0\n");
    this.write("root/etc/hosts", "127.0.0.1 localhost\n");
    const pki = ["ca.crt", "ca.key", "sa.key", "etcd/ca.key"];
    writeFileSync(
      join(this.lab, "appliance/secrets.tar"),
      encodeTar(
        pki.map((path) => ({
          path: `etc/kubernetes/pki/${path}`,
          mode: 0o600,
          content: Buffer.from("SECRET\n"),
        })),
      ),
    );
  }

  #programs(): void {
    mkdirSync(join(this.lab, "bin"));
    for (const name of STUBBED.split(" ")) symlinkSync(STUB, join(this.lab, "bin", name));
    // The downloads: one file stands for all, whatever the plan calls it.
    mkdirSync(join(this.lab, "appliance/files"), { recursive: true });
  }

  #unpack(plan: NodePlan): void {
    const downloads = plan.downloads
      .filter(({ placement }) => placement.kind === "program")
      .map(({ name }) => {
        this.write(`appliance/files/${name}`, `program ${name}\n`);
        const sum = spawnSync("sha256sum", [join(this.lab, "appliance/files", name)], { encoding: "utf8" });
        return `${name}|http://10.20.0.1:8080/mirror/x/${name}|${sum.stdout.slice(0, 64)}|program|/usr/local/bin/${name}\n`;
      })
      .join("");
    for (const { path, mode, content } of payloadFiles(plan, { downloads, templates: shippedTemplates() })) {
      this.write(`root${path}`, content);
      chmodSync(join(this.lab, `root${path}`), Number.parseInt(mode, 8));
    }
    const first = join(import.meta.dirname, "../../boot-templates/first-boot/payload");
    this.write("root/usr/local/lib/muster/payload", readFileSync(first, "utf8"));
    chmodSync(join(this.lab, "root/usr/local/lib/muster/payload"), 0o755);
    this.write(
      "root/etc/muster/settings",
      shellAssignments({
        MACHINE: plan.name,
        GENERATION: 1,
        NODE_URL: "https://10.20.0.1:8443/node/v1",
        HEALTH_URL: "http://10.20.0.1:8080/healthz",
      }),
    );
  }

  /** What the appliance answers from now on when it is asked for the payload of a member. */
  offer(cluster: ClusterView, name: string): void {
    const files = payloadFiles(planOf(cluster, name), { downloads: "", templates: shippedTemplates() });
    writeFileSync(join(this.lab, "appliance/payload"), packPayload(files));
  }

  /** Runs the script once; with `killAt` it is killed at that call of a program. Returns whether it came to its end. */
  run({
    killAt = 0,
    program = "node",
    argument = "",
  }: {
    readonly killAt?: number;
    readonly program?: "node" | "refresh" | "payload";
    readonly argument?: string;
  } = {}): {
    readonly finished: boolean;
    readonly output: string;
  } {
    this.write("calls", "0\n");
    // A reboot: what was in memory is gone, services are as systemd would start them.
    rmSync(join(this.lab, "root/run"), { recursive: true, force: true });
    if (program === "node") rmSync(join(this.lab, "active"), { force: true });
    rmSync(join(this.lab, "sleeps"), { force: true });
    const result = spawnSync(
      "setsid",
      [
        "--wait",
        "sh",
        "-c",
        'echo $$ >"$LAB/group"; exec "$LAB/root/usr/local/lib/muster/$PROGRAM" $ARGUMENT',
      ],
      {
        encoding: "utf8",
        timeout: 600_000,
        env: {
          PATH: `${join(this.lab, "bin")}:${process.env["PATH"] ?? ""}`,
          REAL_PATH: process.env["PATH"] ?? "",
          LAB: this.lab,
          PROGRAM: program,
          ARGUMENT: argument,
          OWN_ADDRESS: this.#address,
          MUSTER_ROOT: join(this.lab, "root"),
          MUSTER_LONGEST_PAUSE: "0",
          MUSTER_SHORTEST_PAUSE: "0",
          KILL_AT: String(killAt),
        },
      },
    );
    if (result.error) this.#killGroup();
    return { finished: result.status === 0, output: `${result.stdout}${result.stderr}` };
  }

  /** Ends what the last run started: the script is a process group of its own. */
  #killGroup(): void {
    const group = Number(this.read("group"));
    if (group > 1) spawnSync("kill", ["-9", "--", `-${group}`]);
  }

  /** How many programs the last run called. */
  get calls(): number {
    return Number(this.read("calls"));
  }

  /** Steps as they were reported, `name state`. */
  get reports(): readonly string[] {
    return this.read("appliance/reports")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { event: string; step?: string; state?: string })
      .map(({ event, step, state }) => (event === "step" ? `${step ?? ""} ${state ?? ""}` : event));
  }

  /** Everything below the machine's root and outside of memory, by path. */
  files(): ReadonlyMap<string, string> {
    const list = spawnSync("find", [join(this.lab, "root"), "-type", "f", "-not", "-path", "*/run/*"], {
      encoding: "utf8",
    });
    const prefix = join(this.lab, "root").length;
    return new Map(
      list.stdout
        .split("\n")
        .filter(Boolean)
        .sort()
        .map((path) => [path.slice(prefix), readFileSync(path, "utf8")]),
    );
  }

  has(path: string): boolean {
    return existsSync(join(this.lab, path));
  }

  read(path: string): string {
    return this.has(path) ? readFileSync(join(this.lab, path), "utf8") : "";
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.lab, path)), { recursive: true });
    writeFileSync(join(this.lab, path), content);
  }

  remove(): void {
    rmSync(this.lab, { recursive: true, force: true });
  }
}
