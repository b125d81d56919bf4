/** What every rendered document must hold before it is served: the faults its reader would only show on a screen. */

export interface DocumentFault {
  readonly line: number;
  readonly message: string;
}

const PRESEED_LINE =
  /^[a-z0-9][\w.+-]* [\w./-]+ (string|boolean|select|multiselect|password|note|text|error)( [ -~]*)?$/;
const MAX_SCRIPT_BYTES = 65_536;

/** The first fault of a preseed file; undefined when every line is one the installer reads. */
export function checkPreseed(text: string): DocumentFault | undefined {
  return firstFault(text, (line) =>
    line === "" || line.startsWith("#") || PRESEED_LINE.test(line)
      ? undefined
      : `"${line.slice(0, 60)}" is not a line "owner question type value"`,
  );
}

/** The first fault of an iPXE script: its first line, its line ends, its size, characters outside of ASCII (H-15). */
export function checkBootScript(text: string): DocumentFault | undefined {
  if (!text.startsWith("#!ipxe\n")) return { line: 1, message: "an iPXE script starts with #!ipxe" };
  if (Buffer.byteLength(text) >= MAX_SCRIPT_BYTES)
    return { line: 1, message: "the script is 64 KB or larger" };
  return firstFault(text, (line) =>
    /^[ -~]*$/.test(line) ? undefined : "a character that iPXE does not print",
  );
}

/** The first fault of a GRUB script: its size, characters that GRUB's screen does not show, a text that does not end in its line. */
export function checkGrubScript(text: string): DocumentFault | undefined {
  if (Buffer.byteLength(text) >= MAX_SCRIPT_BYTES)
    return { line: 1, message: "the script is 64 KB or larger" };
  return firstFault(text, (line) => {
    if (!/^[ -~]*$/.test(line)) return "a character that GRUB does not print";
    return line.startsWith("#") || line.split("'").length % 2 === 1 ? undefined : "a quote without its pair";
  });
}

/** The first fault of a shell script made here. */
export function checkShell(text: string): DocumentFault | undefined {
  if (!text.startsWith("#!/bin/sh\n"))
    return { line: 1, message: "the script does not start with #!/bin/sh" };
  return firstFault(text, (line) => (line.includes("\r") ? "a carriage return" : undefined));
}

function firstFault(text: string, check: (line: string) => string | undefined): DocumentFault | undefined {
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const message = check(line);
    if (message !== undefined) return { line: index + 1, message };
  }
  return undefined;
}
