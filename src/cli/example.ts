/** The example that every command's help ends with. */

/** Help text with one or more example lines. */
export function example(...lines: readonly string[]): string {
  return `\nExample:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
