/**
 * cgroups of the first version for one machine each: with a group of its own in every hierarchy a container sees that group as
 * the root, and the kubelets of several machines on one host do not meet.
 */
import { existsSync, readFileSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import path from "node:path";

const ROOT = "/sys/fs/cgroup";
const PREFIX = "muster-lab-";
const CPU_SHARES = 16_384;

/**
 * systemd-nspawn makes groups of its own at the top of systemd's hierarchy, under the same names for every machine: here the top
 * it sees is the machine's own group.
 */
function ownTop(machine: string): string {
  const systemd = groupsOf(machine).find((directory) => directory.startsWith(`${ROOT}/systemd/`));
  return systemd === undefined ? "true" : `mount --bind ${systemd} ${ROOT}/systemd`;
}

/** Shell that puts itself into the machine's cgroups and becomes the program given as its arguments. */
export function cgroupScript(machine: string): string {
  const lines = groupsOf(machine).flatMap((directory) => [
    `mkdir -p ${directory}`,
    ...(directory.startsWith(`${ROOT}/cpuset/`)
      ? ["cpus", "mems"].map((file) => `cat ${ROOT}/cpuset/cpuset.${file} > ${directory}/cpuset.${file}`)
      : []),
    // A machine with all its programs would otherwise count as much as one program of the host.
    ...(directory.startsWith(`${ROOT}/cpu/`) ? [`echo ${CPU_SHARES} > ${directory}/cpu.shares`] : []),
    `echo $$ > ${directory}/cgroup.procs`,
  ]);
  const become = `exec unshare --cgroup --mount sh -c '${ownTop(machine)} && exec "$@"' sh "$@"`;
  // A process with real-time priority may not enter a group that has no such time of its own.
  return ["set -e", "chrt --other --pid 0 $$", ...lines, become].join("\n");
}

/** Takes the cgroups of machines whose name begins so away; those that still hold a process stay. */
export async function removeCgroups(prefix: string): Promise<void> {
  for (const hierarchy of groupsOf("").map((group) => path.dirname(group))) {
    const names = await readdir(hierarchy).catch(() => []);
    for (const name of names.filter((each) => each.startsWith(`${PREFIX}${prefix}`))) {
      await removeTree(path.join(hierarchy, name));
    }
  }
}

/** The directory in which the machine's processes are listed, frozen and thawed. */
export function freezerOf(machine: string): string {
  const found = groupsOf(machine).find((directory) => directory.startsWith(`${ROOT}/freezer/`));
  if (found === undefined) throw new Error("this host has no freezer cgroup of the first version");
  return found;
}

function groupsOf(machine: string): readonly string[] {
  return hierarchies().map(({ directory, own }) => path.join(directory, own, `${PREFIX}${machine}`));
}

/** Mounted hierarchies of the first version, and where below them this process lives. */
function hierarchies(): readonly { readonly directory: string; readonly own: string }[] {
  return readFileSync("/proc/self/cgroup", "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, controllers = "", own = "/"] = line.split(":");
      const name = controllers.replace("name=", "").split(",")[0] ?? "";
      const directory = path.join(ROOT, name);
      return name !== "" && existsSync(path.join(directory, "cgroup.procs")) ? [{ directory, own }] : [];
    });
}

async function removeTree(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(path.join(directory, entry.name));
  await rmdir(directory).catch(() => undefined);
}
