/**
 * What TFTP serves: the boot programs and installers on disk, the script that leads an iPXE without DHCP data to its machine's
 * own, and the scripts of the signed GRUB.
 */
import { createFileRoot } from "../adapters/tftp/file-root.ts";
import { overlayFiles } from "../adapters/tftp/memory-file.ts";
import { parseMac } from "../net/mac.ts";
import { macOfGrubScript } from "../services/install/boot-dialect.ts";
import type { BootScripts } from "../services/install/boot-script.ts";
import type { EventSink } from "../services/ports.ts";
import type { Registry } from "../services/registry.ts";
import type { TftpClient, TftpFiles, TftpTransferStats } from "../services/tftp/files.ts";

/** Names under which iPXE looks for a script by itself (P-41). */
const FINDER_NAMES: ReadonlySet<string> = new Set(["autoexec.ipxe", "boot.ipxe"]);

/** Where the signed GRUB of the archive looks for its configuration. */
const GRUB_FINDER = "grub/grub.cfg";

const HTTP_PLACE = /^boot\/files\//;

export interface TftpFilesOptions {
  readonly directory: string;
  readonly ipxe: Pick<BootScripts, "finder">;
  readonly grub: Pick<BootScripts, "finder" | "scriptFor">;
}

/** The tree on disk, with the finder script beside every boot program and a script for each machine that boots GRUB. */
export function tftpFiles(options: TftpFilesOptions): TftpFiles {
  const { directory, ipxe } = options;
  const root = createFileRoot({ directory, foldCase: true });
  // The same paths as by HTTP are good here: a boot program that was loaded either way finds the files of an installer.
  const disk: TftpFiles = { open: (path, client) => root.open(path.replace(HTTP_PLACE, ""), client) };
  return overlayFiles(async (path, client) => {
    const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
    if (FINDER_NAMES.has(name)) return Buffer.from(ipxe.finder());
    const text = await grubScript(options.grub, path, client);
    return text === undefined ? undefined : Buffer.from(text);
  }, disk);
}

async function grubScript(
  grub: TftpFilesOptions["grub"],
  path: string,
  client: TftpClient,
): Promise<string | undefined> {
  if (path.toLowerCase() === GRUB_FINDER) return grub.finder();
  const mac = parseMac(macOfGrubScript(path) ?? "");
  return mac && grub.scriptFor(mac, { address: client.address, userAgent: "GRUB" });
}

/** Notes in a machine's timeline which boot program it has read, or could not. */
export function noteTransfers(registry: Registry, events: EventSink): (stats: TftpTransferStats) => void {
  return ({ client, path, outcome, error }) => {
    const machine = registry.bySeenAddress(client.address);
    // An abort is the firmware asking for the size only; it reads the file right after.
    if (!machine || outcome === "aborted") return;
    const good = outcome === "complete" || outcome === "unconfirmed";
    events.record({
      type: good ? "boot-file-sent" : "boot-file-failed",
      machine: machine.name,
      source: "tftp",
      ...(good ? {} : { level: "warning" as const }),
      message: good ? `read ${path} by TFTP` : `could not read ${path} by TFTP: ${error?.message ?? outcome}`,
    });
  };
}
