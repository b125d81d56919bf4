/** Values and files as text that a POSIX shell reads back unchanged. */

/** A file of the installer's or the target's tree. `path` is absolute, `mode` octal such as `0644`. */
export interface TextFile {
  readonly path: string;
  readonly mode: string;
  /** `user:group` by name; root when left out. */
  readonly owner?: string;
  readonly content: string;
}

/** One word in single quotes. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Lines of `NAME='value'`, to be sourced. */
export function shellAssignments(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${shellQuote(String(value))}\n`)
    .join("");
}

const MARK = "MUSTER_END_OF_FILE";

/**
 * A script that writes the files below the directory in `$ROOT` (empty for `/`). The files are complete before any
 * of them is visible under its name, so that a power cut leaves no half-written one.
 */
export function writeFilesScript(files: readonly TextFile[]): string {
  return files.map(writeFile).join("");
}

function writeFile(file: TextFile): string {
  const directory = file.path.slice(0, file.path.lastIndexOf("/")) || "/";
  const target = `"\${ROOT:-}"${shellQuote(file.path)}`;
  const part = `"\${ROOT:-}"${shellQuote(`${file.path}.part`)}`;
  const content = file.content.endsWith("\n") || file.content === "" ? file.content : `${file.content}\n`;
  const mark = content.includes(MARK) ? `${MARK}_${content.length}` : MARK;
  return [
    `mkdir -p "\${ROOT:-}"${shellQuote(directory)}`,
    `(umask 077; cat >${part}) <<'${mark}'`,
    `${content}${mark}`,
    `chmod ${file.mode} ${part}`,
    ...(file.owner ? [`chroot "\${ROOT:-/}" chown ${file.owner} ${shellQuote(`${file.path}.part`)}`] : []),
    `mv -f ${part} ${target}\n`,
  ].join("\n");
}
