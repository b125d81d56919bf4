/** Where the package lies: templates and the version are read from there. */
import { readFileSync } from "node:fs";
import path from "node:path";

/** This file is `<root>/src/config/…` when run from sources and `<root>/dist/config/…` when built. */
export const PACKAGE_ROOT = path.resolve(import.meta.dirname, "../..");

/** The version in package.json. */
export function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(path.join(PACKAGE_ROOT, "package.json"), "utf8"));
  const version = (parsed as { readonly version?: unknown }).version;
  return typeof version === "string" ? version : "0.0.0";
}
