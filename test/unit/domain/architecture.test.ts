import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ARCHITECTURES,
  architectureOf,
  bootFileFor,
  firmwareProfileOf,
} from "../../../src/domain/architecture.ts";
import { parseMac } from "../../../src/net/mac.ts";

function fileFor(...architectures: number[]): string | null | undefined {
  const choice = bootFileFor({ architectures, classes: [], overrides: [], machineBootFile: undefined });
  return choice && choice.bootFile;
}

test("P-02, P-22 every code that IANA assigned has one row", () => {
  assert.deepEqual(
    ARCHITECTURES.map(({ code }) => code),
    Array.from({ length: 42 }, (_, code) => code),
  );
  assert.equal(architectureOf(42), undefined);
});

test("P-01 each kind of firmware has its boot file", () => {
  const files: readonly (readonly [number, string | null])[] = [
    [0, "undionly.kpxe"],
    [2, null],
    [6, null],
    [7, "snponly.efi"],
    [9, "snponly.efi"],
    [10, null],
    [11, "arm64/snponly.efi"],
    [16, "snponly.efi"],
    [17, "snponly.efi"],
    [19, "arm64/snponly.efi"],
    [20, "undionly.kpxe"],
    [25, null],
    [27, "riscv64/snponly.efi"],
    [39, "loong64/snponly.efi"],
  ];
  for (const [code, file] of files) assert.equal(fileFor(code), file, `architecture ${code}`);
});

test("P-02 the first known code of a list counts", () => {
  assert.equal(fileFor(999, 7, 0), "snponly.efi");
  assert.equal(fileFor(999), undefined);
  assert.equal(fileFor(), undefined);
});

test("P-01 an override of the machine wins over the configuration, and that over the table", () => {
  const overrides = [
    { code: 7, bootFile: "grubx64.efi", class: "PXEClient:Arch:00007:UNDI:003001" },
    { code: 7, bootFile: "ipxe.efi" },
    { code: 0, bootFile: null },
    { code: 77, bootFile: "new.efi" },
  ];
  const ask = (code: number, classes: string[], machineBootFile?: string): string | null | undefined =>
    bootFileFor({ architectures: [code], classes, overrides, machineBootFile })?.bootFile;
  assert.equal(ask(7, ["PXEClient:Arch:00007:UNDI:003016"]), "ipxe.efi");
  assert.equal(ask(7, ["PXEClient:Arch:00007:UNDI:003001"]), "grubx64.efi");
  assert.equal(ask(7, [], "own.efi"), "own.efi");
  assert.equal(ask(0, []), null);
  assert.equal(ask(77, []), "new.efi");
});

test("P-34, P-35 the complete iPXE of a row is never its first boot file", () => {
  for (const { fullIpxe, bootFile, code } of ARCHITECTURES) {
    if (fullIpxe !== null) assert.notEqual(fullIpxe, bootFile, `architecture ${code}`);
  }
  assert.equal(architectureOf(0)?.fullIpxe, "ipxe.pxe");
});

test("P-07 Raspberry Pi and U-Boot are told apart by MAC, machine id and architecture", () => {
  const nobody = { mac: undefined, architecture: undefined, machineId: undefined };
  assert.equal(firmwareProfileOf(nobody).name, "pxe");
  assert.equal(firmwareProfileOf({ ...nobody, architecture: 22 }).name, "u-boot");
  assert.equal(firmwareProfileOf({ ...nobody, architecture: 41 }).name, "raspberry-pi");
  for (const oui of ["b8:27:eb", "dc:a6:32", "e4:5f:01", "28:cd:c1", "d8:3a:dd", "2c:cf:67"]) {
    const mac = parseMac(`${oui}:01:02:03`);
    assert.equal(firmwareProfileOf({ ...nobody, mac, architecture: 0 }).name, "raspberry-pi", oui);
  }
  const machineId = Uint8Array.from([0, ...Buffer.from("RPi4"), ...new Uint8Array(12)]);
  assert.equal(firmwareProfileOf({ ...nobody, architecture: 0, machineId }).name, "raspberry-pi");
});
