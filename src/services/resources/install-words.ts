/** An installation in one line, for people. */
import type { Machine } from "../../domain/machine.ts";
import type { DiskRule, MachineSpec } from "../../domain/machine-spec.ts";

/** `Debian 13 (amd64) on the largest disk that does not turn, LVM` */
export function installWords({ os, install }: MachineSpec): string {
  const rules = Array.isArray(install.disk) ? install.disk : [install.disk];
  const disks = rules.map(diskWords).join(" and ");
  const layouts = { regular: "", lvm: ", LVM", raid1: ", mirrored" } as const;
  return `Debian ${os.version} (${os.architecture}) on ${disks}${layouts[install.layout]}`;
}

/** What the installer may overwrite on that disk. */
export function wipeWords({ spec, systemDisks }: Machine): string {
  if (spec.install.wipe) return "whatever its install disk holds";
  const [own] = systemDisks;
  return own ? `its own earlier system on ${own.path}` : "nothing: it stops unless its install disk is blank";
}

function diskWords(rule: DiskRule): string {
  const { match, rotational, serial, wwn, path, model, minSize, maxSize } = rule;
  const named = [
    serial && `serial ${serial}`,
    wwn && `WWN ${wwn}`,
    path,
    model && `model ${model}`,
    minSize !== undefined && `at least ${minSize}`,
    maxSize !== undefined && `at most ${maxSize}`,
  ].filter((part) => typeof part === "string");
  const kind = rotational === undefined ? "disk" : rotational ? "turning disk" : "flash disk";
  const which = match === "only" || match === undefined ? `the only ${kind}` : `the ${match} ${kind}`;
  return named.length === 0 ? which : `${which} with ${named.join(", ")}`;
}
