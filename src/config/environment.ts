/** `MUSTER_SECTION_KEY` variables as a source; secrets also as `MUSTER_SECTION_KEY_FILE`. */
import type { Fault } from "../domain/errors.ts";
import { didYouMean } from "./faults.ts";
import { type Setting, settingsOf } from "./settings.ts";
import { type Assignment, type Source, sourceOf } from "./source.ts";
import { valueOf } from "./value-of.ts";

/** Variables of the same prefix that are no settings of the appliance: the command line's own. */
export const CLIENT_VARIABLES = [
  "MUSTER_CONFIG",
  "MUSTER_URL",
  "MUSTER_TOKEN",
  "MUSTER_TOKEN_FILE",
  "MUSTER_CA",
];

export interface EnvironmentReading {
  readonly source: Source;
  readonly faults: readonly Fault[];
  /** Variables with our prefix that mean nothing: said aloud, but no reason to stop. */
  readonly warnings: readonly string[];
}

/**
 * Reads the settings among environment variables. Empty variables count as unset. A variable that begins like one of
 * the schema's sections but names no setting is a fault; any other unknown `MUSTER_…` only a warning, because
 * container platforms inject such variables for services that happen to be called muster.
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): EnvironmentReading {
  const settings = new Map(settingsOf().map((setting) => [setting.variable, setting]));
  const assignments: Assignment[] = [];
  const faults: Fault[] = [];
  const warnings: string[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith("MUSTER_") || text === undefined || text === "") continue;
    if (CLIENT_VARIABLES.includes(variable)) continue;
    const reading = readVariable({ variable, text, settings, readFile });
    if (reading.kind === "set") assignments.push(reading.assignment);
    else if (reading.kind === "fault") faults.push({ path: variable, message: reading.message });
    else warnings.push(reading.message);
  }
  return { source: sourceOf(assignments), faults, warnings };
}

type VariableReading =
  | { readonly kind: "set"; readonly assignment: Assignment }
  | { readonly kind: "fault" | "warning"; readonly message: string };

function readVariable(input: {
  readonly variable: string;
  readonly text: string;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly readFile: (path: string) => string;
}): VariableReading {
  const { variable, text, settings } = input;
  const origin = { kind: "environment", variable } as const;
  const setting = settings.get(variable);
  if (setting) {
    return { kind: "set", assignment: { path: setting.path, value: valueOf(text, setting.node), origin } };
  }
  const secret = settings.get(variable.replace(/_FILE$/, ""));
  if (secret?.secret !== true) return unknownVariable(variable, settings);
  try {
    const value = input.readFile(text).replace(/\r?\n$/, "");
    return { kind: "set", assignment: { path: secret.path, value, origin } };
  } catch (error) {
    return { kind: "fault", message: `cannot read the file it names: ${(error as Error).message}` };
  }
}

function unknownVariable(variable: string, settings: ReadonlyMap<string, Setting>): VariableReading {
  const sections = new Set([...settings.values()].map((setting) => setting.variable.split("_")[1] ?? ""));
  const hint = didYouMean(variable, [...settings.keys(), ...CLIENT_VARIABLES]);
  const kind = sections.has(variable.split("_")[1] ?? "") ? "fault" : "warning";
  return {
    kind,
    message: kind === "fault" ? `no setting has this name${hint}` : `${variable} is no setting${hint}`,
  };
}
