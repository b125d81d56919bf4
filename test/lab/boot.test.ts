/** Real firmware against a real appliance: from power-on to the installer's own request for its document. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { LogLine } from "../support/appliance.ts";
import { Lab, needsLab, QUICK } from "../support/lab.ts";
import { needsPrograms } from "../support/netns.ts";
import type { Firmware } from "../support/qemu.ts";

const BOOT_SECONDS = 420;

let opened: Promise<Lab> | undefined;
const openLab = (): Promise<Lab> => (opened ??= Lab.open());
after(async () => (await opened)?.close());

/** A log line of a complete TFTP transfer. */
const sentByTftp =
  (file: string) =>
  (line: LogLine): boolean =>
    line["msg"] === "TFTP complete" && String(line["path"]).endsWith(file);

/** A log line of an answered request on the boot plane. */
const servedByHttp =
  (file: RegExp, userAgent: RegExp) =>
  (line: LogLine): boolean =>
    line["msg"] === "boot request" &&
    line["status"] === 200 &&
    file.test(String(line["path"])) &&
    userAgent.test(String(line["userAgent"]));

/** Registers a machine, powers it on and waits until its installer has fetched its document and acted on it. */
async function bootIntoInstaller(
  firmware: Firmware,
  mac: string,
  bootFile?: string,
): Promise<{ readonly log: readonly LogLine[]; readonly console: string }> {
  const lab = await openLab();
  const lines = lab.appliance.logLines.length;
  const name = `boots-${firmware}`;
  // Firmware that finds no boot program gives up; the BIOS machine's own iPXE waits for what it needs.
  if (firmware !== "bios") await lab.appliance.pullInstaller("debian-13");
  await lab.appliance.register({
    name,
    mac,
    os: "debian-13",
    console: "ttyS0,115200",
    kernelArguments: [...QUICK],
    ...(bootFile === undefined ? {} : { firmware: { bootFile } }),
  });
  // EDK2 with Secure Boot stops every processor for each change of a variable: one is stopped soonest.
  const cpus = firmware === "uefi-secure" ? 1 : 2;
  const machine = await lab.powerOn({ name, mac, firmware, cpus });
  try {
    await lab.appliance.waitForMachine(name, ({ stage }) => stage === "installer-started", BOOT_SECONDS);
  } catch (error) {
    throw new Error(`${String(error)}\n\nits console:\n${machine.console.slice(-3000)}`, { cause: error });
  } finally {
    await machine.powerOff();
  }
  console.log(`  ${name}: installer reports ${machine.seconds.toFixed(0)} s after power-on`);
  const log = lab.appliance.logLines.slice(lines);
  assert.ok(
    log.some(servedByHttp(/\/preseed\.cfg$/, /^debian-installer/)),
    "the installer fetched its preseed",
  );
  return { log, console: machine.console };
}

function assertIpxeAsked(log: readonly LogLine[]): void {
  assert.ok(log.some(servedByHttp(/^\/boot\/.*\.ipxe$/, /^iPXE\//)), "iPXE fetched its script");
}

test("S3-03 SeaBIOS with the iPXE option ROM boots into the installer, which fetches its preseed", async (t) => {
  if (needsLab(t)) return;
  const { log } = await bootIntoInstaller("bios", "52:54:00:6c:61:01");
  assertIpxeAsked(log);
});

test("EDK2 boots by PXE and TFTP into the installer, which fetches its preseed", async (t) => {
  if (needsLab(t)) return;
  const { log } = await bootIntoInstaller("uefi", "52:54:00:6c:61:02");
  assertIpxeAsked(log);
  assert.ok(log.some(sentByTftp("snponly.efi")));
});

test("EDK2 boots by UEFI HTTP boot into the installer, which fetches its preseed", async (t) => {
  if (needsLab(t)) return;
  const { log } = await bootIntoInstaller("uefi-http", "52:54:00:6c:61:03");
  assertIpxeAsked(log);
  assert.ok(log.some(servedByHttp(/snponly\.efi$/, /^UefiHttpBoot\//)));
});

test("EDK2 with Secure Boot boots shim, GRUB and the installer's kernel, each by its signature", async (t) => {
  if (needsLab(t)) return;
  const { log, console } = await bootIntoInstaller("uefi-secure", "52:54:00:6c:61:06", "shimx64.efi");
  const mac = "52:54:00:6c:61:06";
  for (const file of ["shimx64.efi", "grubx64.efi", "grub/grub.cfg", `grub/${mac}.cfg`, "linux"]) {
    assert.ok(log.some(sentByTftp(file)), file);
  }
  assert.match(console, /secureboot: Secure boot enabled/);
});

test("64-bit ARM firmware fetches its network boot program by TFTP", async (t) => {
  if (needsLab(t) || needsPrograms(t, "qemu-system-aarch64")) return;
  const lab = await openLab();
  const mac = "52:54:00:6c:61:04";
  const os = { name: "debian", version: "13", architecture: "arm64" } as const;
  await lab.appliance.pullInstaller("debian-13");
  await lab.appliance.register({ name: "boots-arm64", mac, os });
  const machine = await lab.powerOn({
    name: "boots-arm64",
    mac,
    firmware: "arm64",
    cpus: 1,
    memoryMiB: 1024,
  });
  try {
    await lab.appliance.waitForLine(sentByTftp("arm64/snponly.efi"), 120);
  } finally {
    await machine.powerOff();
  }
});

test("a machine that nobody registered gets no answer", async (t) => {
  if (needsLab(t)) return;
  const lab = await openLab();
  const mac = "52:54:00:6c:61:05";
  const machine = await lab.powerOn({ name: "stranger", mac, firmware: "bios", cpus: 1, memoryMiB: 512 });
  try {
    const asked = await machine.waitFor(/Configuring \(net0/, { seconds: 60 });
    await delay(15_000);
    assert.doesNotMatch(machine.console.slice(asked), /net0: \d+\.\d+|Filename|http:/);
  } finally {
    await machine.powerOff();
  }
});
