/** Disk rules as lines that the installer's scripts read field by field (preseed/scripts/disks.sh). */
import type { DiskIdentity } from "../machine.ts";
import type { DiskRule } from "../machine-spec.ts";
import { parseSize } from "./size.ts";

const SEPARATOR = "|";

/**
 * One rule per line: `match|serial|wwn|path|model|rotational|least bytes|most bytes`; an empty field matches anything.
 * @throws RangeError when a value holds a character that would break the line.
 */
export function diskRuleLine(rule: DiskRule): string {
  return line([
    rule.match ?? "",
    rule.serial ?? "",
    rule.wwn ?? "",
    rule.path ?? "",
    rule.model ?? "",
    rule.rotational === undefined ? "" : rule.rotational ? "1" : "0",
    String(rule.minSize === undefined ? "" : parseSize(rule.minSize)),
    String(rule.maxSize === undefined ? "" : parseSize(rule.maxSize)),
  ]);
}

/** One known system disk per line: `serial|wwn|model|bytes`, what was recorded when it was installed. */
export function knownDiskLine(disk: DiskIdentity): string {
  return line([disk.serial ?? "", disk.wwn ?? "", disk.model ?? "", String(disk.sizeBytes)]);
}

function line(fields: readonly string[]): string {
  const broken = fields.find((field) => field.includes(SEPARATOR) || /[\n\r]/.test(field));
  if (broken !== undefined)
    throw new RangeError(`"${broken}" cannot be part of a disk rule: it holds "|" or a line end`);
  return fields.join(SEPARATOR);
}
