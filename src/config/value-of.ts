/** Texts of environment variables and flags as the values they stand for. */
import { parse } from "yaml";
import type { SchemaNode } from "./settings.ts";

/**
 * The value a text stands for, by the type the schema wants: numbers and booleans as YAML writes them, lists as
 * YAML or separated by commas. What does not fit stays text, so that the schema says what it expected.
 */
export function valueOf(text: string, node: SchemaNode): unknown {
  if (node.type === "string") return text;
  if (node.type === "array" && !/^\s*[[{-]/.test(text)) return text.split(",").map((item) => item.trim());
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}
