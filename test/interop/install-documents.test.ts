import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { composeDocument, type InstallDocumentName } from "../../src/services/install/compose-documents.ts";
import { aPlan, shippedTemplates } from "../support/install-plans.ts";

const ROOT = join(import.meta.dirname, "../..");
const templates = shippedTemplates();

const LAYOUTS = ["regular", "lvm", "raid1"] as const;
const FULL = {
  domain: "lab.test",
  extraMacs: ["52:54:00:12:34:02"],
  interfaces: [
    { mac: "52:54:00:12:34:03", address: "192.0.2.7/24", gateway: "192.0.2.1", dns: ["192.0.2.1"] },
  ],
  access: {
    user: "eve",
    sshKeys: ["ssh-ed25519 AAAA eve@laptop"],
    passwordHash: "$6$salt$hash",
    others: [
      { user: "mallory", sshKeys: ["ssh-ed25519 AAAAB m@laptop"], sudo: true },
      { user: "trent", passwordHash: "$6$salt$hash" },
    ],
  },
  ntp: ["ntp.lab.test"],
  packages: ["htop"],
  userData: {
    runcmd: ["echo 'it''s' > /tmp/x"],
    write_files: [{ path: "/x", content: "$HOME\nMUSTER_END_OF_FILE\n" }],
  },
} as const;

function plan(layout: (typeof LAYOUTS)[number], version: "12" | "13" = "13") {
  const disk = layout === "raid1" ? ([{ serial: "a" }, { serial: "b" }] as [object, object]) : {};
  return aPlan({
    spec: {
      ...FULL,
      extraMacs: [...FULL.extraMacs],
      os: { name: "debian", version },
      install: { layout, disk, swap: "1GB" },
    } as never,
  });
}

function missing(t: TestContext, program: string): boolean {
  if (spawnSync("sh", ["-c", `command -v ${program}`]).status === 0) return false;
  t.skip(`needs the program ${program}`);
  return true;
}

function workspace(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "muster-documents-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function run(program: string, args: readonly string[], input?: string) {
  const result = spawnSync(program, args, {
    encoding: "utf8",
    timeout: 60_000,
    ...(input === undefined ? {} : { input }),
  });
  return { status: result.status, text: result.stdout + result.stderr };
}

test("PRESEED debconf reads every preseed file", (t) => {
  if (missing(t, "debconf-set-selections")) return;
  const directory = workspace(t);
  for (const version of ["12", "13"] as const) {
    for (const layout of LAYOUTS) {
      const file = join(directory, `${version}-${layout}`);
      writeFileSync(file, composeDocument(plan(layout, version), "preseed.cfg", templates));
      const { status, text } = run("debconf-set-selections", ["--checkonly", file]);
      assert.equal(status, 0, text);
      assert.equal(text, "");
    }
  }
});

test("USER-DATA cloud-init accepts user-data and vendor-data", (t) => {
  if (missing(t, "cloud-init")) return;
  const directory = workspace(t);
  for (const name of ["user-data", "vendor-data"] as const) {
    const file = join(directory, name);
    writeFileSync(file, composeDocument(plan("regular"), name, templates));
    const { status, text } = run("cloud-init", ["schema", "-c", file]);
    assert.equal(status, 0, text);
  }
});

test("SCRIPTS every shell script shipped or made here is one a POSIX shell reads, and shellcheck is content", (t) => {
  const directory = workspace(t);
  const made = (["start.sh", "target-files.sh"] as const).map((name) => {
    writeFileSync(join(directory, name), composeDocument(plan("raid1"), name, templates));
    return join(directory, name);
  });
  const shipped = [
    ...readdirSync(join(ROOT, "preseed/scripts")).map((name) => join(ROOT, "preseed/scripts", name)),
    join(ROOT, "boot-templates/first-boot/report"),
    join(ROOT, "boot-templates/first-boot/esp"),
  ];
  for (const file of [...made, ...shipped]) {
    const { status, text } = run("sh", ["-n", file]);
    assert.equal(status, 0, `${file}: ${text}`);
  }
  if (missing(t, "shellcheck")) return;
  // settings.sh is written per machine: its names are unknown here.
  const { status, text } = run("shellcheck", ["-s", "sh", "-e", "SC1091,SC2153,SC2154", ...shipped]);
  assert.equal(status, 0, text);
});

test("SCRIPTS start.sh and target-files.sh leave exactly the files of the plan", (t) => {
  const directory = workspace(t);
  const bin = join(directory, "bin");
  mkdirSync(bin);
  const script = composeDocument(plan("raid1"), "target-files.sh", templates);
  const result = spawnSync("sh", ["-e"], {
    input: script,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", ROOT: directory },
  });
  assert.equal(result.status, 0, result.stderr);
  const seed = readFileSync(join(directory, "var/lib/cloud/seed/nocloud/user-data"), "utf8");
  assert.equal(seed, composeDocument(plan("raid1"), "user-data", templates));
  const report = readFileSync(join(directory, "usr/local/lib/muster/report"), "utf8");
  assert.equal(report, templates.source("boot-templates/first-boot/report"));
  assert.equal(readdirSync(join(directory, "etc/systemd/network")).length, 3);
});

test("DESIGN-5.15 systemd accepts the units of first boot and of every NIC", (t) => {
  if (missing(t, "systemd-analyze")) return;
  const directory = workspace(t);
  for (const name of ["muster-report.service", "muster-esp.service"]) {
    const unit = templates
      .source(`boot-templates/first-boot/${name}`)
      .replace(/^ExecStart=\S+/m, "ExecStart=/bin/true");
    writeFileSync(join(directory, name), unit);
    const { status, text } = run("systemd-analyze", ["verify", "--man=no", join(directory, name)]);
    const ours = text.split("\n").filter((line) => line.includes(name));
    assert.equal(status === 0 || ours.length === 0, true, text);
    assert.deepEqual(ours, []);
  }
});

test("SUDOERS visudo accepts the rule", (t) => {
  if (missing(t, "visudo")) return;
  const directory = workspace(t);
  const script = composeDocument(plan("regular"), "target-files.sh", templates);
  spawnSync("sh", ["-e"], { input: script, env: { PATH: process.env["PATH"] ?? "", ROOT: directory } });
  const { status, text } = run("visudo", ["-cqf", join(directory, "etc/sudoers.d/90-muster")]);
  assert.equal(status, 0, text);
});

test("BOOT-ORDER the entry that the installer came by comes first, then the disk", () => {
  const entries = (current: string) =>
    [
      ...(current ? [`BootCurrent: ${current}`] : []),
      "BootOrder: 0006,0001,0002,0003,0000",
      "Boot0000* UiApp\tFvVol(7cb8)/FvFile(462c)",
      "Boot0001* UEFI Misc Device\tPciRoot(0x0)/Pci(0x3,0x0)",
      "Boot0002* UEFI PXEv4 (MAC:525400130002)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(525400130002,1)/IPv4(0.0.0.0)",
      "Boot0003* UEFI HTTPv4 (MAC:525400130002)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(525400130002,1)/IPv4(0.0.0.0)/Uri()",
      "Boot0006* debian\tHD(1,GPT,7e0b)/File(\\EFI\\debian\\shimx64.efi)",
      "",
    ].join("\n");
  const order = (text: string) => {
    const lines = readFileSync(join(ROOT, "preseed/scripts/lib.sh"), "utf8");
    const body = lines.slice(lines.indexOf("boot_order_network_first() {"));
    return run("sh", ["-c", `${body}\nboot_order_network_first`], text).text;
  };
  assert.equal(order(entries("0002")), "0002,0006,0001,0003,0000");
  assert.equal(order(entries("0003")), "0003,0006,0001,0002,0000");
  assert.equal(order(entries("")), "0002,0003,0006,0001,0000");
  assert.equal(order(entries("0006")), "0002,0003,0006,0001,0000", "started from the disk by hand");
});

const NAMES: readonly InstallDocumentName[] = ["preseed.cfg", "start.sh", "target-files.sh"];
test("DESIGN-3.7 the enrolment secret is in one document only", () => {
  const holding = NAMES.filter((name) =>
    composeDocument(plan("regular"), name, templates).includes("enrolment-secret-of"),
  );
  assert.deepEqual(holding, ["target-files.sh"]);
});
