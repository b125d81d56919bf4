/** The configuration as it may be shown: secrets and passwords inside addresses are masked. */
import { nodeAt } from "./settings.ts";
import { isSection } from "./source.ts";

export const MASK = "********";

/** A copy of a configuration (or of part of its raw values) in which every secret that is set reads {@link MASK}. */
export function redact(config: unknown): unknown {
  return masked(config, []);
}

function masked(value: unknown, path: readonly PropertyKey[]): unknown {
  if (value !== undefined && nodeAt(path)?.secret === true) return MASK;
  if (Array.isArray(value)) return value.map((item: unknown, index) => masked(item, [...path, index]));
  if (isSection(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, masked(child, [...path, key])]),
    );
  }
  return typeof value === "string" ? withoutPassword(value) : value;
}

function withoutPassword(text: string): string {
  return text.replace(/^(https?:\/\/[^/@:\s]*):[^/@\s]*@/, `$1:${MASK}@`);
}
