import assert from "node:assert/strict";
import { test } from "node:test";
import {
  consoleLines,
  installerArguments,
  type KernelArgumentInput,
  MAX_ARGUMENTS,
  MAX_OWN_ARGUMENTS,
  rescueArguments,
} from "../../../../src/domain/install/kernel-arguments.ts";
import { machineSpecSchema } from "../../../../src/domain/machine-spec.ts";
import { parseMac } from "../../../../src/net/mac.ts";

const mac = parseMac("52:54:00:12:34:01")!;
const INPUT: KernelArgumentInput = {
  preseedUrl: "http://192.0.2.1:8080/install/mti_x/preseed.cfg",
  hostname: "kube0",
  mac,
  initrdName: "initrd.gz",
  extra: [],
};

test("H-15 the installer is told network, name and log server on its command line", () => {
  const all = installerArguments({ ...INPUT, domain: "lab.test", log: { host: "192.0.2.1", port: 514 } });
  for (const wanted of [
    "auto=true",
    "priority=critical",
    `url=${INPUT.preseedUrl}`,
    "hostname=kube0",
    "domain=lab.test",
    "BOOTIF=01-52-54-00-12-34-01",
    "log_host=192.0.2.1",
    "log_port=514",
    "initrd=initrd.gz",
  ]) {
    assert.ok(all.includes(wanted), wanted);
  }
  assert.equal(
    all.some((text) => text.startsWith("ipv6.disable")),
    false,
  );
});

test("KERNEL-ARGUMENTS what the machine asks for stands behind ---, so that it lasts", () => {
  const all = installerArguments({ ...INPUT, console: "ttyS1,115200", extra: ["ipv6.disable=1"] });
  assert.deepEqual(all.slice(all.indexOf("---")), ["---", "console=ttyS1,115200", "ipv6.disable=1"]);
  assert.ok(all.includes("DEBIAN_FRONTEND=text"));
});

test("KERNEL-ARGUMENTS an answer to a question of the installer stands before ---, for the installer alone", () => {
  const answer = "base-installer/initramfs-tools/driver-policy=dep";
  const all = installerArguments({ ...INPUT, extra: ["root=/dev/sda", answer, "quiet"] });
  assert.ok(all.indexOf(answer) < all.indexOf("---"));
  assert.deepEqual(all.slice(all.indexOf("---")), ["---", "root=/dev/sda", "quiet"]);
});

test("KERNEL-ARGUMENTS a spec takes parameters of the kernel and answers to the installer, and nothing else", () => {
  const parse = (text: string) => machineSpecSchema.safeParse({ mac, kernelArguments: [text] }).success;
  const good = [
    "quiet",
    "mitigations=off",
    "modules=eatmydata-udeb",
    "memmap=64M$0x1000",
    "netcfg/dhcp_timeout=60",
    "base-installer/initramfs-tools/driver-policy=dep",
    "man-db:man-db/auto-update=false",
  ];
  const bad = [
    "a=${net0/mac}",
    'a="b"',
    "a='b'",
    "a=b\\c",
    "",
    "two words",
    "a=b\nc",
    "/sbin/init",
    "a//b=1",
    "a/=1",
    "../x",
    "a:b:c/d=1",
    "-x",
    "a=é",
  ];
  assert.deepEqual(
    good.filter((text) => !parse(text)),
    [],
  );
  assert.deepEqual(bad.filter(parse), []);
});

test("KERNEL-ARGUMENTS a spec with as many as it may have always fits beside what the installer needs", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `a${index}=1`);
  const parse = (count: number) => machineSpecSchema.safeParse({ mac, kernelArguments: many(count) }).success;
  assert.deepEqual([parse(MAX_OWN_ARGUMENTS), parse(MAX_OWN_ARGUMENTS + 1)], [true, false]);
  const fullest = {
    ...INPUT,
    domain: "example.net",
    log: { host: "192.0.2.1", port: 514 },
    console: "ttyS0,115200",
  };
  const all = installerArguments({ ...fullest, extra: many(MAX_OWN_ARGUMENTS) });
  assert.equal(all.length, MAX_ARGUMENTS, "no place is left unused");
});

test("KERNEL-ARGUMENTS more than a kernel takes, or what iPXE would change, is refused", () => {
  const many = Array.from({ length: MAX_ARGUMENTS }, (_, index) => `a${index}=1`);
  assert.throws(() => installerArguments({ ...INPUT, extra: many }), /more than the 32/);
  for (const bad of ["a=${net0/mac}", 'a="b"', "a='b'", "a=b\\c", "||"]) {
    assert.throws(
      () => installerArguments({ ...INPUT, extra: [bad] }),
      /cannot stand in an iPXE script/,
      bad,
    );
  }
});

test("RESCUE asks for no preseed file and carries no ticket", () => {
  const all = rescueArguments(INPUT);
  assert.ok(all.includes("rescue/enable=true"));
  assert.equal(
    all.some((text) => text.includes("mti_")),
    false,
  );
});

test("CONSOLE a sentence becomes lines that iPXE prints as they are", () => {
  const lines = consoleLines(`The disk "S–1" holds \${evil} && ${"long words ".repeat(20)}`);
  assert.ok(lines.every((line) => line.length <= 76 && /^[ -~]+$/.test(line)));
  assert.doesNotMatch(lines.join("\n"), /["$`'\\]|&&|\|\|/);
  assert.ok(consoleLines("x".repeat(400)).length > 1);
});
