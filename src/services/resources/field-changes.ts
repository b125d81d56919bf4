/** What differs between two values made of keys, lists and single values. */

/** One field that differs; an absent value is undefined. */
export interface FieldChange {
  /** For example `network.cni` or `machines[0].macs[2]`. */
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

const HIDDEN = "(hidden)";
const SECRET = /password|secret|token/i;

/** Every field that differs, the deepest path each; the values of secrets are not shown. */
export function fieldChanges(before: unknown, after: unknown, path = ""): readonly FieldChange[] {
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, index) =>
      fieldChanges(before[index], after[index], `${path}[${index}]`),
    ).flat();
  }
  if (isSection(before) && isSection(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => fieldChanges(before[key], after[key], path === "" ? key : `${path}.${key}`));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [{ path, ...shown("before", before, path), ...shown("after", after, path) }];
}

/** The value with everything secret replaced. */
export function withoutSecrets(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, key));
  if (!isSection(value)) return SECRET.test(key) ? HIDDEN : value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutSecrets(item, name)]));
}

/** The same for those who only look on: no user-data either, wherever a document holds it. */
export function forOnlookers(value: unknown): unknown {
  return withoutUserData(withoutSecrets(value));
}

function withoutUserData(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUserData);
  if (!isSection(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      name === "userData" ? { [HIDDEN]: true } : withoutUserData(item),
    ]),
  );
}

function shown(side: "before" | "after", value: unknown, path: string): Partial<FieldChange> {
  if (value === undefined) return {};
  return { [side]: SECRET.test(path) ? HIDDEN : withoutSecrets(value) };
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
