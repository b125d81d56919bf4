import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createFileRoot } from "../../../../src/adapters/tftp/file-root.ts";
import type { TftpFile, TftpFiles, TftpOpened } from "../../../../src/services/tftp/files.ts";

const client = { address: "10.0.0.9", port: 2070 };

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "muster-tftp-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  await mkdir(join(path, "root/arm64"), { recursive: true });
  await writeFile(join(path, "root/ipxe.efi"), "program");
  await writeFile(join(path, "root/arm64/snponly.efi"), "other program");
  await writeFile(join(path, "secret"), "secret");
  return path;
}

const open = (files: TftpFiles, path: string): Promise<TftpOpened> => files.open(path, client);

async function opened(files: TftpFiles, path: string): Promise<TftpFile> {
  const result = await open(files, path);
  assert.ok(result.kind === "file", `${path}: ${result.kind}`);
  return result.file;
}

const descriptors = async (): Promise<number> => (await readdir("/proc/self/fd")).length;

test("T-15, T-16 a missing file is not found, a directory or a device is denied", async (t) => {
  const base = await directory(t);
  const files = createFileRoot({ directory: join(base, "root") });
  assert.equal((await open(files, "nothing")).kind, "not-found");
  assert.equal((await open(files, "ipxe.efi/below")).kind, "not-found");
  assert.equal((await open(files, "x".repeat(400))).kind, "not-found");
  assert.equal((await open(files, "arm64")).kind, "denied");
  execFileSync("mkfifo", [join(base, "root/pipe")]);
  assert.equal((await open(files, "pipe")).kind, "denied");
});

test("T-16 an unreadable file is denied", async (t) => {
  const base = await directory(t);
  await chmod(base, 0o755);
  await chmod(join(base, "root/ipxe.efi"), 0);
  const files = createFileRoot({ directory: join(base, "root") });
  // Root reads everything: become nobody for the one call.
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65534);
  const result = await open(files, "ipxe.efi");
  if (root) process.seteuid?.(0);
  assert.equal(result.kind, "denied");
});

test("T-23 a link inside the root is followed, one that leaves it is not there", async (t) => {
  const base = await directory(t);
  const root = join(base, "root");
  await symlink("arm64/snponly.efi", join(root, "inside"));
  await symlink("../secret", join(root, "outside"));
  await symlink("/etc/passwd", join(root, "absolute"));
  await symlink("..", join(root, "up"));
  await symlink("loop", join(root, "loop"));
  await mkdir(join(base, "root-evil"));
  await writeFile(join(base, "root-evil/file"), "beside");
  await symlink("../root-evil", join(root, "beside"));
  const files = createFileRoot({ directory: root });
  const file = await opened(files, "inside");
  assert.equal(String(await file.read(0, 100)), "other program");
  file.close();
  for (const path of ["outside", "absolute", "up/secret", "loop", "beside/file"]) {
    assert.equal((await open(files, path)).kind, "not-found", path);
  }
});

test("T-21 names fold their case only where that is switched on", async (t) => {
  const root = join(await directory(t), "root");
  assert.equal((await open(createFileRoot({ directory: root }), "ARM64/SNPONLY.EFI")).kind, "not-found");
  const folding = createFileRoot({ directory: root, foldCase: true });
  (await opened(folding, "ARM64/SNPONLY.EFI")).close();
  assert.equal((await open(folding, "ARM64/NONE")).kind, "not-found");
});

test("T-25 a replaced file is served whole, as it was opened, and the next one gets the new", async (t) => {
  const root = join(await directory(t), "root");
  const files = createFileRoot({ directory: root });
  const old = await opened(files, "ipxe.efi");
  await writeFile(join(root, "new"), "newer program");
  await rename(join(root, "new"), join(root, "ipxe.efi"));
  const fresh = await opened(files, "ipxe.efi");
  assert.equal(String(await old.read(0, old.size)), "program");
  assert.equal(String(await fresh.read(0, fresh.size)), "newer program");
  old.close();
  fresh.close();
});

test("T-26, T-28 a hundred readers share one descriptor, and the last gives it back", async (t) => {
  const root = join(await directory(t), "root");
  const content = Buffer.alloc(300_000, "0123456789abcdef");
  await writeFile(join(root, "big"), content);
  const files = createFileRoot({ directory: root });
  const before = await descriptors();
  const readers = await Promise.all(Array.from({ length: 100 }, () => opened(files, "big")));
  assert.equal((await descriptors()) - before, 1);
  for (const [index, reader] of readers.entries()) {
    const offset = index * 2999;
    assert.deepEqual(Buffer.from(await reader.read(offset, 1468)), content.subarray(offset, offset + 1468));
    reader.close();
    reader.close();
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await descriptors()) - before, 0);
});

test("T-06 a block across two chunks, the last bytes and what lies behind the end are read right", async (t) => {
  const root = join(await directory(t), "root");
  const content = Buffer.from(Array.from({ length: 140_000 }, (_, i) => i % 251));
  await writeFile(join(root, "big"), content);
  const file = await opened(createFileRoot({ directory: root }), "big");
  assert.deepEqual(Buffer.from(await file.read(65_000, 1468)), content.subarray(65_000, 66_468));
  assert.deepEqual(Buffer.from(await file.read(60_000, 75_000)), content.subarray(60_000, 135_000));
  assert.deepEqual(Buffer.from(await file.read(139_999, 1468)), content.subarray(139_999));
  assert.equal((await file.read(140_000, 10)).length, 0);
  file.close();
});
