/** Files below one directory, served by TFTP. */
import { close, constants, fstat, open } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { promisify } from "node:util";
import type { TftpFiles, TftpOpened } from "../../services/tftp/files.ts";
import { SharedFile, SharedFileReader } from "./shared-file.ts";

const openFd = promisify(open);
const statFd = promisify(fstat);
const closeFd = promisify(close);

/** O_NONBLOCK keeps a named pipe in the directory from blocking a thread for ever. */
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK;

export interface FileRootOptions {
  readonly directory: string;
  /** Finds `BOOT/BCD` as `Boot/bcd` when the exact name is missing (T-21). */
  readonly foldCase?: boolean;
}

type Found =
  | { readonly kind: "shared"; readonly shared: SharedFile }
  | Exclude<TftpOpened, { readonly kind: "file" }>;

/**
 * Serves the regular files below a directory, their descriptors shared. A symbolic link may lead anywhere inside the
 * directory and nowhere outside of it: the file is opened first and then compared with what its real path names (T-23).
 */
export function createFileRoot(options: FileRootOptions): TftpFiles {
  const shared = new Map<string, SharedFile>();
  const opening = new Map<string, Promise<Found>>();

  const openAnew = async (full: string): Promise<Found> => {
    const found = await openBelow(options.directory, full, (file) => {
      if (shared.get(full) === file) shared.delete(full);
    });
    if (found.kind === "shared") shared.set(full, found.shared);
    opening.delete(full);
    return found;
  };
  const find = async (path: string): Promise<Found> => {
    const full = join(options.directory, path);
    const now = await stat(full).catch(() => undefined);
    const known = shared.get(full);
    if (known && now && identityOf(now) === known.identity) return { kind: "shared", shared: known };
    const pending = opening.get(full) ?? openAnew(full);
    opening.set(full, pending);
    return pending;
  };

  return {
    async open(path) {
      const exact = await find(path);
      const folded = exact.kind === "not-found" && options.foldCase === true;
      const found = folded ? await findFolded(options.directory, path, find) : exact;
      if (found.kind !== "shared") return found;
      return { kind: "file", file: new SharedFileReader(found.shared) };
    },
  };
}

async function openBelow(
  directory: string,
  full: string,
  unused: (shared: SharedFile) => void,
): Promise<Found> {
  let fd: number;
  try {
    fd = await openFd(full, READ_ONLY);
  } catch (error) {
    return refusal(error);
  }
  const opened = await statFd(fd);
  const denied = opened.isFile() ? undefined : "not a regular file";
  if (denied !== undefined || !(await isBelow(directory, full, opened))) {
    await closeFd(fd);
    return denied === undefined ? { kind: "not-found" } : { kind: "denied", reason: denied };
  }
  const shared: SharedFile = new SharedFile({
    fd,
    size: opened.size,
    identity: identityOf(opened),
    unused: () => unused(shared),
  });
  return { kind: "shared", shared };
}

/** Whether the opened file is what its real path names, and that path lies below the directory. */
async function isBelow(directory: string, full: string, opened: Identity): Promise<boolean> {
  try {
    const [root, real] = await Promise.all([realpath(directory), realpath(full)]);
    const named = await stat(real);
    return real.startsWith(root + sep) && named.dev === opened.dev && named.ino === opened.ino;
  } catch {
    return false;
  }
}

async function findFolded(
  directory: string,
  path: string,
  find: (path: string) => Promise<Found>,
): Promise<Found> {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    const entries = await readdir(join(directory, ...parts)).catch(() => []);
    const match = entries.find((entry) => entry.toLowerCase() === part.toLowerCase());
    if (match === undefined) return { kind: "not-found" };
    parts.push(match);
  }
  return find(parts.join("/"));
}

/** A name too long for the file system, or one that goes through a file, is simply not there. */
function refusal(error: unknown): Found {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP"].includes(code)) return { kind: "not-found" };
  return { kind: "denied", reason: code };
}

interface Identity {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
}

function identityOf(file: Identity): string {
  return `${file.dev}:${file.ino}:${file.size}:${file.mtimeMs}`;
}
