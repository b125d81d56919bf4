/** The configuration as the commands load it: from the process's own environment, files and flags. */
import { readFileSync } from "node:fs";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import type { Assignment } from "../config/source.ts";
import type { GlobalOptions } from "./global-options.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Loads the configuration that applies here.
 * @throws ConfigError carrying every fault.
 */
export function loadAppliedConfig(
  terminal: Terminal,
  options: Pick<GlobalOptions, "config">,
  flags: readonly Assignment[] = [],
): LoadedConfig {
  return loadConfig({
    file: options.config,
    flags,
    environment: terminal.environment,
    workingDirectory: terminal.workingDirectory,
    files: { read: (path) => readFileSync(path, "utf8") },
  });
}
