/** An answer that a shell script reads line by line, or evaluates: every value is one safe word. */

const PLAIN = /^[A-Za-z0-9._:/+-]+$/;

/** `key=value` lines; values with anything but plain characters are quoted, those that are undefined left out. */
export function shellAnswer(fields: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(fields)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${word(String(value))}\n`]))
    .join("");
}

/** Control characters, quotes included, have no business in a line that a shell may evaluate. */
function word(text: string): string {
  if (PLAIN.test(text)) return text;
  return `'${text.replace(/[\p{Cc}]+/gu, " ").replaceAll("'", "’")}'`;
}
