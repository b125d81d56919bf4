import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryFile, overlayFiles, readWhole } from "../../../../src/adapters/tftp/memory-file.ts";
import type { TftpFiles } from "../../../../src/services/tftp/files.ts";

const client = { address: "10.0.0.9", port: 2070 };
const below: TftpFiles = {
  open: (path) =>
    Promise.resolve(
      path === "ipxe.efi"
        ? { kind: "file", file: memoryFile(Buffer.from("program")) }
        : { kind: "not-found" },
    ),
};

test("T-29 a virtual file depends on the client, has a size, and wins over one below", async () => {
  const files = overlayFiles(
    (path, { address }) =>
      Promise.resolve(path === "autoexec.ipxe" ? Buffer.from(`#!ipxe for ${address}\n`) : undefined),
    below,
  );
  const script = await files.open("autoexec.ipxe", client);
  assert.ok(script.kind === "file");
  assert.equal(script.file.size, 20);
  assert.equal(String(await script.file.read(0, 100)), "#!ipxe for 10.0.0.9\n");
  const program = await files.open("ipxe.efi", client);
  assert.ok(program.kind === "file");
  assert.equal(String(await program.file.read(3, 2)), "gr");
  assert.equal((await files.open("none", client)).kind, "not-found");
});

test("T-20 a file is read whole up to a limit, and not at all when it ends early", async () => {
  assert.equal(String(await readWhole(memoryFile(Buffer.from("text")), 4)), "text");
  assert.equal(await readWhole(memoryFile(Buffer.from("text")), 3), undefined);
  const short = { ...memoryFile(Buffer.from("text")), size: 9 };
  assert.equal(await readWhole(short, 100), undefined);
});
