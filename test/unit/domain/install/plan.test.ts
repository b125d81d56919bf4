import assert from "node:assert/strict";
import { test } from "node:test";
import { accessSchema } from "../../../../src/domain/access-spec.ts";
import { settingsFile } from "../../../../src/domain/install/settings.ts";
import { targetFiles } from "../../../../src/domain/install/target-files.ts";
import { metaData, userData } from "../../../../src/domain/install/user-data.ts";
import { aPlan, CREDENTIALS } from "../../../support/install-plans.ts";
import { anInstalledMachine } from "../../../support/machines.ts";

const TEXTS = {
  userData: "U",
  metaData: "M",
  networkConfig: "N",
  reportScript: "R",
  reportUnit: "RU",
  payloadScript: "P",
  espScript: "E",
  espUnit: "EU",
};
const SSH = "ssh-ed25519 AAAA ops@laptop";

test("DESIGN-3.7 the enrolment secret reaches the installed system and not the installer's settings", () => {
  const plan = aPlan();
  assert.doesNotMatch(settingsFile(plan), new RegExp(CREDENTIALS.enrolmentSecret));
  const secret = targetFiles(plan, TEXTS).find(({ path }) => path === "/etc/muster/enrolment-secret");
  assert.equal(secret?.content.trim(), CREDENTIALS.enrolmentSecret);
  assert.equal(secret.mode, "0600");
});

test("DESIGN-5.11 a reimage knows the disks and the marker of the last finished installation", () => {
  const settings = settingsFile(aPlan(anInstalledMachine()));
  assert.match(settings, /^EARLIER_MARKER='0123456789abcdef'$/m);
  assert.match(settings, /^KNOWN_DISKS='S1\|\|\|8000000000'$/m);
  assert.match(settings, /^WIPE='0'$/m);
});

test("DESIGN-5.15 cloud-init finds its seed on disk and leaves the network alone", () => {
  const files = new Map(targetFiles(aPlan(), TEXTS).map((file) => [file.path, file]));
  assert.equal(files.get("/var/lib/cloud/seed/nocloud/user-data")?.content, "U");
  assert.equal(files.get("/var/lib/cloud/seed/nocloud/meta-data")?.content, "M");
  assert.match(
    files.get("/etc/cloud/cloud.cfg.d/90-muster.cfg")?.content ?? "",
    /network: \{ config: disabled \}/,
  );
  assert.match(files.get("/etc/network/interfaces")?.content ?? "", /^iface lo inet loopback$/m);
  assert.deepEqual(metaData(aPlan()), {
    "instance-id": "kube0-1",
    "local-hostname": "kube0",
    dsmode: "local",
  });
});

test("ACCESS a user without a password has sudo without one; keys belong to the user alone", () => {
  const files = new Map(
    targetFiles(aPlan({ spec: { access: { user: "eve", sshKeys: [SSH] } } }), TEXTS).map((file) => [
      file.path,
      file,
    ]),
  );
  assert.equal(files.get("/home/eve/.ssh/authorized_keys")?.content, `${SSH}\n`);
  assert.equal(files.get("/etc/sudoers.d/90-muster")?.content, "eve ALL=(ALL:ALL) NOPASSWD: ALL\n");
  const hashed = targetFiles(aPlan({ spec: { access: { passwordHash: "$6$salt$hash" } } }), TEXTS);
  assert.equal(hashed.find(({ path }) => path.includes("sudoers"))?.content, "ops ALL=(ALL:ALL) ALL\n");
  const none = targetFiles(aPlan({ spec: { access: { sudo: false } } }), TEXTS);
  assert.equal(
    none.some(({ path }) => path.includes("sudoers")),
    false,
  );
});

test("ACCESS further users are cloud-init's: keys, a password or both, and root only when it is said", () => {
  const others = [
    { user: "ann", sshKeys: [SSH], sudo: true },
    { user: "bob", passwordHash: "$6$salt$hash", sudo: true },
    { user: "cid" },
  ];
  const data = userData(aPlan({ spec: { access: { others } } }));
  assert.deepEqual(data["users"], [
    {
      ...{ name: "ann", shell: "/bin/bash", lock_passwd: true },
      ...{ ssh_authorized_keys: [SSH], sudo: "ALL=(ALL:ALL) NOPASSWD: ALL" },
    },
    {
      ...{ name: "bob", shell: "/bin/bash", lock_passwd: false },
      ...{ hashed_passwd: "$6$salt$hash", sudo: "ALL=(ALL:ALL) ALL" },
    },
    { name: "cid", shell: "/bin/bash", lock_passwd: true },
  ]);
  assert.equal(data["ssh_pwauth"], true);
  assert.equal("users" in userData(aPlan()), false);
});

test("ACCESS a user who stands there twice is refused", () => {
  const twice = { user: "eve", others: [{ user: "ann" }, { user: "eve" }] };
  const { error } = accessSchema.safeParse(twice);
  assert.deepEqual(
    error?.issues.map(({ path, message }) => [path.join("."), message]),
    [["others.1.user", "eve stands here twice"]],
  );
});

test("LAYOUT only a mirrored system gets what keeps two system partitions alike", () => {
  const paths = (layout: "regular" | "raid1") =>
    targetFiles(
      aPlan({
        spec: { install: { layout, disk: layout === "raid1" ? [{ serial: "a" }, { serial: "b" }] : {} } },
      }),
      TEXTS,
    ).map(({ path }) => path);
  assert.equal(paths("regular").includes("/usr/local/lib/muster/esp"), false);
  assert.equal(paths("raid1").includes("/usr/local/lib/muster/esp"), true);
});

test("NTP time servers are written down, packages come once and sorted", () => {
  const plan = aPlan({ spec: { ntp: ["ntp1.lab.test", "10.0.0.1"], packages: ["zsh", "curl", "htop"] } });
  const time = targetFiles(plan, TEXTS).find(({ path }) => path.includes("timesyncd"));
  assert.equal(time?.content, "[Time]\nNTP=ntp1.lab.test 10.0.0.1\n");
  assert.deepEqual(plan.packages, [...new Set(plan.packages)].sort());
  assert.ok(plan.packages.includes("htop") && plan.packages.includes("cloud-init"));
});

test("USER-DATA the person's own keys win over ours", () => {
  const data = userData(
    aPlan({ spec: { domain: "lab.test", userData: { ssh_pwauth: true, runcmd: ["true"] } } }),
  );
  assert.equal(data["ssh_pwauth"], true);
  assert.deepEqual(data["runcmd"], ["true"]);
  assert.equal(data["fqdn"], "kube0.lab.test");
});
