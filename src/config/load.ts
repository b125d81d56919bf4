/** Flags over environment over file over defaults: the one way a configuration comes into being. */
import { resolve } from "node:path";
import { ConfigError, type Fault } from "../domain/errors.ts";
import { cautions, consistencyFaults } from "./consistency.ts";
import { readEnvironment } from "./environment.ts";
import { faultsOf, located } from "./faults.ts";
import { type FileReader, findConfigFile } from "./locate.ts";
import { type Config, configSchema } from "./schema.ts";
import { type Assignment, isSection, type Origin, overlay, type Source, sourceOf } from "./source.ts";
import { readYaml } from "./yaml-source.ts";

export interface LoadInput {
  /** The file named by `--config` or `MUSTER_CONFIG`; the known places are searched when left out. */
  readonly file?: string | undefined;
  readonly flags?: readonly Assignment[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly files: FileReader;
}

/** A configuration and where each part of it came from. */
export interface LoadedConfig {
  readonly config: Config;
  /** The file read; undefined when none exists. */
  readonly file?: string;
  readonly warnings: readonly string[];
  readonly originOf: (path: readonly PropertyKey[]) => Origin;
}

/**
 * Loads, merges and checks the configuration; the result is frozen all the way down.
 * @throws ConfigError carrying every fault found, each with its place and what was expected.
 */
export function loadConfig(input: LoadInput): LoadedConfig {
  const found = findConfigFile(input);
  const yaml = found ? readYaml(found.text, found.name) : { source: sourceOf([]), faults: [] };
  const environment = readEnvironment(input.environment, (path) =>
    input.files.read(resolve(input.workingDirectory, path)),
  );
  const sources = [yaml.source, environment.source, sourceOf(input.flags ?? [])];
  const originOf = nearestOrigin(sources);
  const merged = sources.reduce((values, source) => overlay(values, source.values), {});
  const parsed = configSchema.safeParse(merged);
  const faults: Fault[] = [...yaml.faults, ...environment.faults];
  // A file that is no YAML has no values: whatever the schema misses then would only be noise.
  if (!parsed.success && yaml.faults.length === 0)
    faults.push(...faultsOf(parsed.error.issues, merged, originOf));
  if (parsed.success) {
    for (const { path, message } of consistencyFaults(parsed.data)) {
      faults.push(located(path, originOf(path), message));
    }
  }
  if (!parsed.success || faults.length > 0) throw refusal(found?.name, faults);
  const dataDir = dataDirectory(parsed.data, originOf(["dataDir"]), input.workingDirectory);
  return {
    config: deepFreeze({ ...parsed.data, dataDir }),
    ...(found && { file: found.path }),
    warnings: [...environment.warnings, ...cautions(parsed.data)],
    originOf,
  };
}

function refusal(file: string | undefined, faults: readonly Fault[]): ConfigError {
  const count = faults.length === 1 ? "one fault" : `${faults.length} faults`;
  const inOrder = [...faults].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
  return new ConfigError(`the configuration${file === undefined ? "" : ` ${file}`} has ${count}`, inOrder);
}

/** A relative `dataDir` is relative to the file that says so, and to the working directory otherwise. */
function dataDirectory(config: Config, origin: Origin, workingDirectory: string): string {
  const base = origin.kind === "file" ? resolve(workingDirectory, origin.file, "..") : workingDirectory;
  return resolve(base, config.dataDir);
}

function nearestOrigin(sources: readonly Source[]): (path: readonly PropertyKey[]) => Origin {
  const byPrecedence = [...sources].reverse();
  return (path) => {
    for (const source of byPrecedence) {
      if (!has(source.values, path)) continue;
      const origin = source.originOf(path);
      if (origin) return origin;
    }
    const parent = path.slice(0, -1);
    if (parent.length === 0) return { kind: "default" };
    // A missing key is reported where its section stands, if anybody wrote that section.
    const section = byPrecedence.find((source) => has(source.values, parent))?.originOf(parent);
    return typeof path.at(-2) === "number" && section ? section : { kind: "default" };
  };
}

function has(values: unknown, path: readonly PropertyKey[]): boolean {
  let value: unknown = values;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !(step in value)) return false;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return true;
}

function deepFreeze<T>(value: T): T {
  const children = Array.isArray(value) || isSection(value) ? Object.values(value as object) : [];
  for (const child of children) deepFreeze(child);
  return Object.freeze(value);
}
