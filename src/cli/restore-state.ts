/** Restores a backup without the appliance. */
import { access } from "node:fs/promises";
import path from "node:path";
import { restoreAppliance } from "../main.ts";
import { UsageError } from "./exit.ts";
import { localTime } from "./format.ts";
import { loadAppliedConfig } from "./load-config.ts";
import type { Session } from "./session.ts";

/** The options of `muster restore`. */
export interface RestoreOptions {
  readonly dataDir?: string;
  readonly replace?: boolean;
}

/** Restores into the data directory of the configuration that applies here, and says how to go on. */
export async function restoreState(session: Session, name: string, options: RestoreOptions): Promise<void> {
  const { dataDir, replace = false } = options;
  const flag = { path: ["dataDir"], value: dataDir, origin: { kind: "flag", flag: "--data-dir" } } as const;
  const { config } = loadAppliedConfig(
    session.terminal,
    session.options,
    dataDir === undefined ? [] : [flag],
  );
  const file = path.resolve(session.terminal.workingDirectory, name);
  try {
    await access(file);
  } catch {
    throw new UsageError(`there is no ${name}`);
  }
  const report = await restoreAppliance(config, { file, replace });
  if (await session.printWhole(report)) return;
  session.say(`restored the state of ${localTime(report.takenAt)} into ${config.dataDir}`);
  if (report.putAside !== undefined) session.say(`what was there before lies in ${report.putAside}`);
  if (report.assetsToFetch > 0) {
    session.say(
      `boot files that are not here as the backup knew them: ${report.assetsToFetch}; the appliance fetches them again`,
    );
  }
  if (report.held > 0) {
    session.say(`held machines: ${report.held}; after the start, look at each and \`muster confirm\` it`);
  }
}
