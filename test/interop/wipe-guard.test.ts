import assert from "node:assert/strict";
import { test } from "node:test";
import { installReportSchema } from "../../src/services/install-reports.ts";
import { DIRTY_DISKS, dosTable, gpt } from "../support/disk-images.ts";
import { type FakeDisk, InstallerBench, MIB, shells } from "../support/installer-bench.ts";

const EARLIER = "feedfacefeedfacefeedfacefeedface";
const SERIAL = { name: "vda", serial: "S-1", model: "Disk One" } as const;

for (const { name: shell, busybox } of shells()) {
  const bench = (t: { after(action: () => void): void }, ...disks: readonly FakeDisk[]) => {
    const made = new InstallerBench({ busybox });
    t.after(() => made.remove());
    for (const disk of disks) made.add(disk);
    return made;
  };

  for (const [what, word, contents] of DIRTY_DISKS) {
    test(`DESIGN-5.11 ${shell}: a disk with ${what} stops the installation and stays as it is`, (t) => {
      const rig = bench(t, { ...SERIAL, contents });
      const before = rig.hash("vda");
      const run = rig.partman({});
      assert.match(run.failed ?? "", word);
      assert.match(run.failed ?? "", /vda.*S-1/, "the report names the disk");
      assert.equal(rig.hash("vda"), before);
      assert.equal(run.answers.size, 0, "partman is told nothing");
    });
  }

  test(`DESIGN-5.11 ${shell}: a blank disk is taken, marked and named to partman`, (t) => {
    const rig = bench(t, SERIAL);
    const run = rig.partman({});
    assert.equal(run.failed, undefined, run.log);
    assert.equal(run.answers.get("partman-auto/disk"), rig.device("vda"));
    assert.equal(run.answers.get("partman-auto/expert_recipe"), "bios : .");
    assert.match(rig.left("system-disks"), /^vda$/m);
  });

  test(`DESIGN-5.11 ${shell}: an empty partition table holds no data`, (t) => {
    const rig = bench(t, {
      ...SERIAL,
      contents: gpt().map((patch) =>
        patch.at === 1024 || patch.at === -33 * 512 ? { ...patch, bytes: new Uint8Array(128) } : patch,
      ),
    });
    assert.equal(rig.partman({}).failed, undefined);
  });

  test(`DESIGN-5.11 ${shell}: wipe overwrites on demand and leaves no old signature behind`, (t) => {
    const rig = bench(t, { ...SERIAL, contents: gpt([{ at: 4096, bytes: "\xfc\x4e\x2b\xa9" }]) });
    assert.equal(rig.partman({ WIPE: 1 }).failed, undefined);
    // What the next look at the same disk finds: nothing but our own marker.
    const again = rig.partman({ MARKER: "another-marker-another-marker-00" });
    assert.equal(again.failed, undefined, again.failed);
  });

  test(`DESIGN-5.11 ${shell}: another machine's disk is left alone, marked or not`, (t) => {
    const rig = bench(t, SERIAL);
    rig.partman({ MACHINE: "storage3", MARKER: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" });
    partition(rig, SERIAL);
    rig.run("partitioned.sh", { MACHINE: "storage3", MARKER: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" });
    const before = rig.hash("vda");
    const run = rig.partman({});
    assert.match(run.failed ?? "", /storage3/);
    assert.equal(rig.hash("vda"), before);
  });

  test(`DESIGN-5.11 ${shell}: this machine's own earlier system disk is taken again`, (t) => {
    const rig = installed(bench(t, SERIAL));
    const run = rig.partman({
      GENERATION: 2,
      EARLIER_MARKER: EARLIER,
      KNOWN_DISKS: `S-1||Disk One|${96 * MIB}`,
    });
    assert.equal(run.failed, undefined, run.failed);
  });

  test(`DESIGN-5.11 ${shell}: the marker alone is not enough, nor is the identity alone`, (t) => {
    const rig = installed(bench(t, SERIAL));
    const before = rig.hash("vda");
    const unknownDisk = rig.partman({ EARLIER_MARKER: EARLIER, KNOWN_DISKS: `S-9||Disk One|${96 * MIB}` });
    assert.match(unknownDisk.failed ?? "", /not among the disks recorded/);
    const otherMarker = rig.partman({ EARLIER_MARKER: "0000", KNOWN_DISKS: `S-1||Disk One|${96 * MIB}` });
    assert.match(otherMarker.failed ?? "", /marked as a system disk of kube0, generation 1/);
    assert.equal(rig.hash("vda"), before);
  });

  test(`DESIGN-5.11 ${shell}: an own disk that was copied to another, or partitioned anew, is not own`, (t) => {
    const known = {
      EARLIER_MARKER: EARLIER,
      KNOWN_DISKS: `S-1||Disk One|${96 * MIB}\nS-2||Disk One|${96 * MIB}`,
    };
    const copied = installed(bench(t, SERIAL));
    copied.identify("vda", { serial: "S-2" });
    assert.match(copied.partman(known).failed ?? "", /another disk/);
    const anew = installed(bench(t, SERIAL));
    partition(anew, SERIAL, 0x77);
    const before = anew.hash("vda");
    assert.match(anew.partman(known).failed ?? "", /partition table was changed/);
    assert.equal(anew.hash("vda"), before);
  });

  test(`DESIGN-5.11 ${shell}: a repetition of the same installation may go on at every point of a power cut`, (t) => {
    const rig = bench(t, SERIAL);
    rig.partman({});
    partition(rig, SERIAL);
    assert.equal(rig.partman({}).failed, undefined, "cut while partman wrote");
    partition(rig, SERIAL);
    rig.run("partitioned.sh");
    assert.equal(rig.partman({}).failed, undefined, "cut after partitioning");
  });

  test(`DESIGN-5.11 ${shell}: a disk without a serial number is handled, and said so`, (t) => {
    const rig = bench(t, { name: "vda" });
    const run = rig.partman({});
    assert.equal(run.failed, undefined);
    assert.match(run.log, /neither a serial number nor a WWN/);
    const found = installed(bench(t, { name: "vda" }), { name: "vda" });
    const again = found.partman({ GENERATION: 2, EARLIER_MARKER: EARLIER, KNOWN_DISKS: `|||${96 * MIB}` });
    assert.equal(again.failed, undefined, again.failed);
  });

  test(`DESIGN-5.11 ${shell}: other disks are never touched, not even their swap`, (t) => {
    const swap = { name: "vdb", bytes: 128 * MIB, contents: [{ at: 4086, bytes: "SWAPSPACE2" }] };
    const data = {
      name: "vdc",
      bytes: 160 * MIB,
      contents: dosTable(0x83, [{ at: 1080, bytes: "\x53\xef" }]),
    };
    const rig = bench(t, SERIAL, swap, data);
    const before = [rig.hash("vdb"), rig.hash("vdc")];
    const run = rig.partman({ DISK_RULES: "smallest|||||||" });
    assert.equal(run.failed, undefined, run.failed);
    assert.deepEqual([rig.hash("vdb"), rig.hash("vdc")], before);
    assert.deepEqual(run.hidden, ["vdb", "vdc"]);
    assert.equal(run.answers.get("partman-auto/disk"), rig.device("vda"));
  });

  test(`DESIGN-5.11 ${shell}: the last report carries every disk's identity and nothing it does not have`, (t) => {
    const rig = bench(
      t,
      { name: "sda", serial: 'S"1\\', model: "A\tB", wwn: "naa.5000" },
      { name: "vdb", bytes: 80 * MIB },
    );
    rig.partman({ DISK_RULES: "largest|||||||\nsmallest|||||||", METHOD: "raid", LAYOUT: "raid1" });
    const { output } = rig.shell(["lib.sh", "disks.sh", "finished.sh"], "finished_report");
    // The bench's devices do not stand in /dev.
    const report = installReportSchema.parse(JSON.parse(output.replaceAll(rig.root, "")));
    assert.deepEqual(report, {
      report: "finished",
      marker: "0123456789abcdef0123456789abcdef",
      disks: [
        { path: "/dev/sda", serial: 'S"1\\', wwn: "5000", model: "AB", sizeBytes: 96 * MIB },
        { path: "/dev/vdb", sizeBytes: 80 * MIB },
      ],
    });
  });

  test(`CLOCK ${shell}: a dead clock is set from the appliance's Date header`, (t) => {
    const { log } = bench(t).shell(["lib.sh"], "set_clock");
    assert.match(log, /^date -u -s 2001-02-03 04:05:06$/m);
    assert.match(log, /^hwclock -u -w$/m);
    assert.match(log, /it was off by -\d+ seconds/);
  });

  test(`DESIGN-3.6 ${shell}: the installer's own log tells of a failed step and of the boot loader`, (t) => {
    const rig = bench(t);
    const line = "Nov 21 10:00:00 main-menu[336]:";
    rig.leave(
      "syslog",
      `${line} INFO: Menu item 'grub-installer' selected\n${line} WARNING **: Menu item 'grub-installer' failed.\n`,
    );
    const { log } = rig.shell(["lib.sh"], 'SYSLOG="$MUSTER/syslog" sh "$MUSTER/watch.sh"');
    assert.equal(rig.left("failed").trim(), "the installer's step 'grub-installer' failed", log);
    const dialogue = bench(t);
    dialogue.leave(
      "syslog",
      "Nov 21 base-installer: error: exiting on error base-installer/debootstrap-failed\n",
    );
    dialogue.shell(["lib.sh"], 'SYSLOG="$MUSTER/syslog" sh "$MUSTER/watch.sh"');
    assert.match(
      dialogue.left("failed"),
      /base-installer: exiting on error base-installer\/debootstrap-failed/,
    );
  });

  const RULES: readonly (readonly [string, string, string | RegExp])[] = [
    ["largest", "largest|||||||", "vdc"],
    ["smallest", "smallest|||||||", "vdd"],
    ["serial", "|S-2||||||", "vdb"],
    ["WWN, however it is written", "||0x5000C500A1B2C3D4|||||", "vdc"],
    ["model", "||||Fast SSD|||", "vdb"],
    ["rotational", "|||||1||", "vdc"],
    ["size range", `||||||${100 * MIB}|${130 * MIB}`, "vdb"],
    ["largest that does not rotate", "largest|||||0||", "vdb"],
    ["only, with several disks", "only|||||||", /fits 4 disks/],
    ["a serial nobody has", "|S-9||||||", /no disk fits.*S-1.*S-2/],
  ];
  for (const [what, rule, expected] of RULES) {
    test(`DISK-RULE ${shell}: ${what}`, (t) => {
      const rig = bench(
        t,
        SERIAL,
        { name: "vdb", bytes: 120 * MIB, serial: "S-2", model: "Fast SSD 990" },
        { name: "vdc", bytes: 160 * MIB, wwn: "naa.5000c500a1b2c3d4", rotational: true },
        { name: "vdd", bytes: 80 * MIB, serial: "S-4" },
        { name: "sde", bytes: 16 * MIB, removable: true },
        { name: "sr0", bytes: 8 * MIB },
      );
      const run = rig.partman({ DISK_RULES: rule });
      if (expected instanceof RegExp) assert.match(run.failed ?? "", expected);
      else assert.equal(run.answers.get("partman-auto/disk"), rig.device(expected), run.failed);
    });
  }

  test(`DISK-RULE ${shell}: RAID1 takes two equal disks and names their partitions`, (t) => {
    const rig = bench(t, { ...SERIAL, name: "nvme0n1" }, { name: "nvme1n1", serial: "S-2" });
    const run = rig.partman({
      DISK_RULES: "smallest|||||||\nsmallest|||||||",
      METHOD: "raid",
      LAYOUT: "raid1",
    });
    assert.equal(run.failed, undefined, run.failed);
    assert.equal(run.answers.get("partman-auto/disk"), `${rig.device("nvme0n1")} ${rig.device("nvme1n1")}`);
    // Two devices are taken without a question only when they count as answered.
    assert.equal(run.answers.get("seen grub-installer/bootdev"), run.answers.get("partman-auto/disk"));
    const [first, second] = [`${rig.device("nvme0n1")}p2`, `${rig.device("nvme1n1")}p2`];
    assert.equal(run.answers.get("partman-auto-raid/recipe"), `1 2 0 ext4 / ${first}#${second} .`);
  });

  test(`DISK-RULE ${shell}: RAID1 of one blank and one dirty disk writes on neither`, (t) => {
    const rig = bench(t, SERIAL, { name: "vdb", contents: [{ at: 0, bytes: "XFSB" }] });
    const before = [rig.hash("vda"), rig.hash("vdb")];
    const run = rig.partman({
      DISK_RULES: "smallest|||||||\nsmallest|||||||",
      METHOD: "raid",
      LAYOUT: "raid1",
    });
    assert.match(run.failed ?? "", /vdb.*XFS/);
    assert.deepEqual([rig.hash("vda"), rig.hash("vdb")], before);
  });
}

function partition(rig: InstallerBench, disk: FakeDisk, guid?: number): void {
  rig.write(disk.name, gpt([{ at: 1080, bytes: "\x53\xef" }], guid));
}

/** The bench after a finished first installation. */
function installed(rig: InstallerBench, disk: FakeDisk = SERIAL): InstallerBench {
  rig.partman({ MARKER: EARLIER });
  partition(rig, disk);
  rig.run("partitioned.sh", { MARKER: EARLIER });
  return rig;
}
