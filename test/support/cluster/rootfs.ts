/**
 * What the installer leaves on a disk, made once by mmdebstrap: Debian's base system with the packages that the product's
 * preseed adds. Kept in the user's cache; machines lay their own files over it.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { BASE_PACKAGES, CODENAMES } from "../../../src/domain/install/plan.ts";
import { cacheDirectory } from "../cache.ts";
import { hostMirrors } from "../debian-release.ts";
import { withFileLock } from "../file-lock.ts";
import { execute } from "../netns.ts";

const SUITE = CODENAMES["13"];
const MINUTES = 20;

/** cgroup file systems of a container are read-only; a machine's are its own. */
const HARDWARE_UNIT = `[Unit]
Description=What a container lacks to be a machine
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for mount in /sys/fs/cgroup /sys/fs/cgroup/*; do mount -o remount,rw,bind "$mount"; done'

[Install]
WantedBy=sysinit.target
`;

/** Brings the directory tree of an installed system. @throws Error with mmdebstrap's own words */
export async function bringRootfs(say: (line: string) => void = console.log): Promise<string> {
  const packages = [...BASE_PACKAGES].sort();
  const key = createHash("sha256")
    .update(JSON.stringify([SUITE, packages, HARDWARE_UNIT]))
    .digest("hex");
  const directory = path.join(cacheDirectory(), "cluster", `rootfs-${SUITE}-${key.slice(0, 12)}`);
  const isMade = async (): Promise<boolean> =>
    (await readFile(path.join(directory, "made"), "utf8").catch(() => "")) === key;
  if (!(await isMade())) {
    await withFileLock(`${directory}.lock`, async () => {
      if (!(await isMade())) await make({ directory, packages, key, say });
    });
  }
  return path.join(directory, "root");
}

async function make(given: {
  readonly directory: string;
  readonly packages: readonly string[];
  readonly key: string;
  readonly say: (line: string) => void;
}): Promise<void> {
  const part = `${given.directory}.part`;
  const root = path.join(part, "root");
  given.say(`making the file system of a fresh ${SUITE} installation`);
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  const { debian } = await hostMirrors();
  const options = ["--mode=root", "--variant=important", `--include=${given.packages.join(",")}`];
  const unshare = ["--propagation", "private", "--mount", "--fork", "--pid", "--kill-child"];
  const result = await execute("unshare", [...unshare, "mmdebstrap", ...options, SUITE, root, debian], {
    timeout: MINUTES * 60_000,
  });
  if (result.code !== 0) throw new Error(`mmdebstrap failed:\n${result.stderr.slice(-2000)}`);
  await writeFile(path.join(root, "etc/systemd/system/lab-hardware.service"), HARDWARE_UNIT);
  const wants = path.join(root, "etc/systemd/system/sysinit.target.wants");
  await mkdir(wants, { recursive: true });
  await rm(path.join(root, "etc/machine-id"), { force: true });
  await writeFile(path.join(root, "etc/machine-id"), "uninitialized\n");
  await execute("ln", ["-sf", "/etc/systemd/system/lab-hardware.service", wants]);
  await writeFile(path.join(part, "made"), given.key);
  await rm(given.directory, { recursive: true, force: true });
  await rename(part, given.directory);
}

if (import.meta.main) console.log(await bringRootfs());
