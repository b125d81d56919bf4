/** `muster config check` */
import { ConfigError } from "../domain/errors.ts";
import { loadAppliedConfig } from "./load-config.ts";
import type { Session } from "./session.ts";

/**
 * Says that the configuration is valid; with `-o json` or `yaml` prints the verdict and every fault as data.
 * @throws ConfigError carrying every fault.
 */
export async function checkConfig(session: Session): Promise<void> {
  try {
    const { file, warnings } = loadAppliedConfig(session.terminal, session.options);
    for (const warning of warnings) session.warn(warning);
    if (await session.printWhole({ valid: true, file: file ?? null, warnings, faults: [] })) return;
    session.say(file === undefined ? "no configuration file: the defaults hold" : `${file}: valid`);
  } catch (error) {
    if (error instanceof ConfigError) {
      await session.printWhole({ valid: false, message: error.message, faults: error.faults });
    }
    throw error;
  }
}
