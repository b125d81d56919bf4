/** Content types of boot files (H-06): UEFI decides by them what it was given. */
const TYPES: Readonly<Record<string, string>> = {
  ".efi": "application/efi",
  ".iso": "application/vnd.efi-iso",
  ".img": "application/vnd.efi-img",
  ".ipxe": "text/plain; charset=utf-8",
  ".cfg": "text/plain; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
};

/** The content type for a file name; its extension counts in any case. Nothing is ever sent with an encoding. */
export function mediaTypeOf(name: string): string {
  const extension = /\.[^./]+$/.exec(name.toLowerCase())?.[0] ?? "";
  return TYPES[extension] ?? "application/octet-stream";
}
