import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const SCRIPT = path.join(import.meta.dirname, "../../boot-templates/first-boot/esp");
const HERE = "3F2504E0-4F89-11D3-9A0C-0305E82C3301";
const MISSING = "9b2c1f7e-6d54-4c1b-8f3e-0a1b2c3d4e5f";
const FORMER = "11111111-2222-4333-8444-555555555555";
const entry = (number: string, label: string, uuid: string): string =>
  `Boot${number}* ${label}\tHD(1,GPT,${uuid.toLowerCase()},0x800,0x100000)/File(\\EFI\\debian\\shimx64.efi)`;

/** As a machine showed them after its second installation; efibootmgr is a stand-in, since firmware's variables are not here. */
const ENTRIES = [
  "BootCurrent: 0001",
  "BootOrder: 0001,0003,0007,0008,0000",
  "Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)",
  "Boot0001* UEFI PXEv4 (MAC:5254006C144E)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(5254006c144e,1)",
  entry("0003", "debian", FORMER),
  entry("0007", "debian (vdb)", FORMER),
  entry("0008", "debian (vdb)", HERE),
  entry("000A", "debian (vdc)", MISSING),
].join("\n");

test("boot entries of an earlier installation go; the network's, the installer's and those of this one stay", (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), "muster-entries-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const place = (name: string): string => path.join(directory, name);
  mkdirSync(place("bin"));
  writeFileSync(place("esps"), `${HERE}\n${MISSING}\n`);
  writeFileSync(place("entries"), `${ENTRIES}\n`);
  writeFileSync(place("log"), "");
  const stub = '#!/bin/sh\nif [ "$1" = -v ]; then cat "$LAB/entries"; else echo "$*" >>"$LAB/log"; fi\n';
  writeFileSync(place("bin/efibootmgr"), stub, { mode: 0o755 });
  writeFileSync(place("bin/mount"), "#!/bin/sh\n", { mode: 0o755 });
  const { status, stderr } = spawnSync("sh", [SCRIPT], {
    encoding: "utf8",
    env: {
      PATH: `${place("bin")}:${process.env["PATH"] ?? ""}`,
      LAB: directory,
      MUSTER_ESPS: place("esps"),
      MUSTER_EFIVARS: directory,
    },
  });
  assert.equal(status, 0, stderr);
  assert.equal(readFileSync(place("log"), "utf8"), "-q -B -b 0007\n");
});
