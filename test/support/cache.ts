/** Where the tests keep what is expensive to get again, outside the checkout. */
import { homedir } from "node:os";
import path from "node:path";

/** `$XDG_CACHE_HOME/muster`, else `~/.cache/muster`. */
export function cacheDirectory(): string {
  const base = process.env["XDG_CACHE_HOME"];
  return path.join(
    base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), ".cache"),
    "muster",
  );
}
