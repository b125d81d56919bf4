/** The host itself: Node, clock, disk, programs. */
import { execFile } from "node:child_process";
import { access, constants, statfs } from "node:fs/promises";
import path from "node:path";
import type { Check } from "./check.ts";

const OLDEST_NODE = [22, 18] as const;
/** No appliance of this version ran before it was written: an earlier clock is a dead one. */
const WRITTEN_AT = Date.UTC(2026, 10, 1);
const GIGABYTE = 1_000_000_000;
const LEAST_DISK = 1 * GIGABYTE;
const COMFORTABLE_DISK = 10 * GIGABYTE;

/** @param version like `24.21.0` */
export function checkNode(version: string): readonly Check[] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (enough) return [{ name: "node", state: "ok", message: `version ${version}` }];
  const advice = "start through `npm start` or bin/muster, which bring a supported Node";
  return [
    {
      name: "node",
      state: "fail",
      message: `version ${version} is older than ${OLDEST_NODE.join(".")}`,
      advice,
    },
  ];
}

/** A clock that is wrong makes certificates and signed archives look expired. `now` in epoch milliseconds. */
export async function checkClock(now: number): Promise<readonly Check[]> {
  const name = "clock";
  const date = new Date(now).toISOString().slice(0, 10);
  if (now < WRITTEN_AT) {
    const advice =
      "set it (timedatectl set-time, or install systemd-timesyncd); certificates fail with a wrong clock";
    return [
      { name, state: "fail", message: `it says ${date}, which is before this version was made`, advice },
    ];
  }
  const synchronised = await output("timedatectl", ["show", "--property=NTPSynchronized", "--value"]);
  if (synchronised === "no") {
    const advice = "install systemd-timesyncd or chrony: machines take their first time from this host";
    return [{ name, state: "warn", message: `it says ${date} and is not synchronised`, advice }];
  }
  const how =
    synchronised === "yes" ? "synchronised" : "plausible; whether it is synchronised cannot be seen here";
  return [{ name, state: "ok", message: `it says ${date}, ${how}` }];
}

/** Room for the mirror's cache in the data directory, or where that will be made. */
export async function checkDisk(dataDir: string): Promise<readonly Check[]> {
  const name = "disk";
  const { directory, free, writable } = await nearestDirectory(dataDir);
  const room = `${(free / GIGABYTE).toFixed(1)} GB free in ${directory}`;
  if (!writable) {
    const advice = "run as the user that owns it, or change dataDir";
    return [{ name, state: "warn", message: `${directory} cannot be written by this user`, advice }];
  }
  if (free < LEAST_DISK)
    return [{ name, state: "fail", message: room, advice: "make room, or change dataDir" }];
  if (free < COMFORTABLE_DISK) {
    const advice = "an installer and its packages take 2 to 10 GB; assets.maxCacheBytes bounds the cache";
    return [{ name, state: "warn", message: room, advice }];
  }
  return [{ name, state: "ok", message: room }];
}

/** The programs that check and unpack what the mirror sends. */
export async function checkPrograms(searchPath: string): Promise<readonly Check[]> {
  const needs = [
    { programs: ["gpgv", "sqv"], packages: "gpgv", purpose: "checks the archive's signatures" },
    { programs: ["dpkg-deb"], packages: "dpkg", purpose: "unpacks boot programs" },
    { programs: ["xz"], packages: "xz-utils", purpose: "unpacks package indexes" },
  ];
  return Promise.all(
    needs.map(async ({ programs, packages, purpose }): Promise<Check> => {
      const name = programs.join(" or ");
      for (const program of programs) {
        const found = await findProgram(program, searchPath);
        if (found !== undefined) return { name, state: "ok", message: `${found} ${purpose}` };
      }
      const advice = `apt-get install ${packages}`;
      return { name, state: "fail", message: `not installed; it ${purpose}`, advice };
    }),
  );
}

/** Full path of a program in a colon-separated search path. */
export async function findProgram(program: string, searchPath: string): Promise<string | undefined> {
  for (const directory of searchPath.split(":")) {
    const candidate = path.join(directory, program);
    if (await can(candidate, constants.X_OK)) return candidate;
  }
  return undefined;
}

async function nearestDirectory(
  wanted: string,
): Promise<{ readonly directory: string; readonly free: number; readonly writable: boolean }> {
  let directory = wanted;
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(directory);
      return { directory, free: bavail * bsize, writable: await can(directory, constants.W_OK) };
    } catch (error) {
      const parent = path.dirname(directory);
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === directory) throw error;
      directory = parent;
    }
  }
}

async function can(file: string, mode: number): Promise<boolean> {
  try {
    await access(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** Trimmed output; undefined when the program is missing or fails. */
function output(program: string, parameters: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, parameters, { timeout: 5000 }, (error, stdout) =>
      resolve(error ? undefined : stdout.trim()),
    );
  });
}
