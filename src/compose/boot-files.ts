/** What TFTP serves: the boot programs on disk, and the script that leads an iPXE without DHCP data to its machine's own. */
import { createFileRoot } from "../adapters/tftp/file-root.ts";
import { overlayFiles } from "../adapters/tftp/memory-file.ts";
import type { EventSink } from "../services/ports.ts";
import type { Registry } from "../services/registry.ts";
import type { TftpFiles, TftpTransferStats } from "../services/tftp/files.ts";

/** Names under which iPXE looks for a script by itself (P-41). */
const FINDER_NAMES: ReadonlySet<string> = new Set(["autoexec.ipxe", "boot.ipxe"]);

/** The tree on disk, with the finder script beside every boot program. */
export function tftpFiles(options: { readonly directory: string; readonly finder: () => string }): TftpFiles {
  const disk = createFileRoot({ directory: options.directory, foldCase: true });
  return overlayFiles((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
    return Promise.resolve(FINDER_NAMES.has(name) ? Buffer.from(options.finder()) : undefined);
  }, disk);
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
