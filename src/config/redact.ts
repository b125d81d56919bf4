/** The configuration as it may be shown: secrets and passwords inside addresses are masked. */
import { settingsOf } from "./settings.ts";
import { isSection } from "./source.ts";

export const MASK = "********";

/** A copy of a configuration (or of part of its raw values) in which every secret that is set reads {@link MASK}. */
export function redact(config: unknown): unknown {
  const secrets = new Set(settingsOf().flatMap(({ path, secret }) => (secret ? [path.join(".")] : [])));
  return masked(config, [], secrets);
}

function masked(value: unknown, path: readonly string[], secrets: ReadonlySet<string>): unknown {
  if (secrets.has(path.join(".")) && value !== undefined) return MASK;
  if (Array.isArray(value)) return value.map((item: unknown) => masked(item, [...path, "[]"], secrets));
  if (isSection(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, masked(child, [...path, key], secrets)]),
    );
  }
  return typeof value === "string" ? withoutPassword(value) : value;
}

function withoutPassword(text: string): string {
  return text.replace(/^(https?:\/\/[^/@:\s]*):[^/@\s]*@/, `$1:${MASK}@`);
}
