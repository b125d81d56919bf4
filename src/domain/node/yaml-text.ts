/** Plain data as YAML text, in the block style that people read; every YAML 1.1 and 1.2 reader takes it the same way. */

/** Words and numbers that some reader would take for something other than text. */
const PLAIN = /^[A-Za-z/][A-Za-z0-9/_.-]*$/;
const RESERVED = /^(?:true|false|null|yes|no|on|off|y|n|\.inf|\.nan)$/i;

/** Documents separated by `---`. Fields that are undefined are left out. */
export function yamlDocuments(documents: readonly object[]): string {
  return documents.map((document) => yamlText(document)).join("---\n");
}

/** One document, ending with a line end. */
export function yamlText(value: object): string {
  return `${block(value, "").join("\n")}\n`;
}

function block(value: object, indent: string): readonly string[] {
  return Array.isArray(value) ? listLines(value, indent) : mapLines(value, indent);
}

function mapLines(value: object, indent: string): readonly string[] {
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .flatMap(([key, field]: [string, unknown]) => {
      const name = `${indent}${scalar(key)}:`;
      if (!isFilled(field)) return [`${name} ${scalar(field)}`];
      return [name, ...block(field, Array.isArray(field) ? indent : `${indent}  `)];
    });
}

function listLines(items: readonly unknown[], indent: string): readonly string[] {
  return items.flatMap((item) => {
    if (!isFilled(item)) return [`${indent}- ${scalar(item)}`];
    const [first = "", ...rest] = block(item, `${indent}  `);
    return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
  });
}

function isFilled(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.values(value).some((it) => it !== undefined);
}

function scalar(value: unknown): string {
  if (Array.isArray(value)) return "[]";
  if (typeof value === "object" && value !== null) return "{}";
  if (typeof value !== "string") return JSON.stringify(value ?? null);
  return PLAIN.test(value) && !RESERVED.test(value) ? value : JSON.stringify(value);
}
