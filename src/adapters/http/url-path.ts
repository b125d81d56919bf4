/** Paths of requests as clients send them: firmware doubles slashes, strangers try to climb out. */

/**
 * The path of a request target, decoded, without its query and with doubled slashes joined (shim asks for
 * `//grubx64.efi`). Undefined when it cannot be decoded or tries to leave its directory, in whatever encoding.
 */
export function decodePath(target: string): string | undefined {
  const raw = (target.split(/[?#]/, 1)[0] ?? "").replace(/^https?:\/\/[^/]*/i, "");
  let path: string;
  try {
    path = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  if (!path.startsWith("/") || hasControl(path) || path.includes("\\")) return undefined;
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return undefined;
  return `/${parts.join("/")}`;
}

/** The path as it may stand in a log: a ticket in it is a credential. */
export function maskTicket(target: string): string {
  return target.replace(/(\/install\/)[^/?]+/g, "$1****");
}

function hasControl(path: string): boolean {
  for (let index = 0; index < path.length; index += 1) if (path.charCodeAt(index) < 32) return true;
  return false;
}
