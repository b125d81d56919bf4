/** Paths as boot programs write them. */

const MAX_PATH = 512;

/**
 * The path relative to the root, with `/` between its parts: `\Boot\\BCD` and `//Boot/BCD` are `Boot/BCD` (T-21).
 * Undefined when it must be refused: a `..` part, a control character, nothing left, or too long (T-22).
 * Percent signs have no meaning in TFTP; `%2e%2e` is a file of that name.
 */
export function tftpPath(raw: string): string | undefined {
  if (raw.length > MAX_PATH || hasControl(raw)) return undefined;
  const parts = raw
    .replaceAll("\\", "/")
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..")) return undefined;
  return parts.join("/");
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
