/** Debian packages unpacked by the host's own dpkg-deb. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { MusterError } from "../../domain/errors.ts";

/** An unpacked package; `dispose` removes the directory. */
export interface UnpackedPackage {
  readonly directory: string;
  dispose(): Promise<void>;
}

/** Unpacks the files (no scripts are run) into a fresh directory below `workDirectory`, which must exist. */
export async function unpackDeb(deb: string, workDirectory: string): Promise<UnpackedPackage> {
  const directory = await mkdtemp(path.join(workDirectory, "unpack-"));
  const dispose = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    await extract(deb, directory);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { directory, dispose };
}

function extract(deb: string, directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("dpkg-deb", ["--extract", deb, directory], { timeout: 300_000 }, (error, _stdout, stderr) => {
      if (!error) {
        resolve();
        return;
      }
      const message =
        error.code === "ENOENT"
          ? "dpkg-deb is needed to unpack Debian packages: install the package dpkg"
          : `dpkg-deb cannot unpack ${path.basename(deb)}: ${stderr.trim()}`;
      reject(new MusterError("unavailable", message, { cause: error }));
    });
  });
}
