/** Values of one origin (file, environment, flags) before they are merged and checked. */

/** Where a value was written. */
export type Origin =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "flag"; readonly flag: string };

/** A tree of raw values and, for any path in it, where that was written. */
export interface Source {
  readonly values: Readonly<Record<string, unknown>>;
  /** The origin of a path, or of its nearest ancestor in this source; undefined when the source has neither. */
  originOf(path: readonly PropertyKey[]): Origin | undefined;
}

/** One value set by its path: an environment variable or a flag. */
export interface Assignment {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly origin: Origin;
}

/** A source made of single assignments; later ones win. */
export function sourceOf(assignments: readonly Assignment[]): Source {
  const values: Record<string, unknown> = {};
  const origins = new Map<string, Origin>();
  for (const { path, value, origin } of assignments) {
    assign(values, path, value);
    origins.set(path.join("."), origin);
  }
  return {
    values,
    originOf: (path) => {
      for (let length = path.length; length > 0; length--) {
        const origin = origins.get(path.slice(0, length).join("."));
        if (origin) return origin;
      }
      return undefined;
    },
  };
}

/** Lays `upper` over `lower`, key by key; lists and scalars are replaced whole. */
export function overlay(
  lower: Readonly<Record<string, unknown>>,
  upper: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...lower };
  for (const [key, value] of Object.entries(upper)) {
    const below = merged[key];
    merged[key] = isSection(below) && isSection(value) ? overlay(below, value) : value;
  }
  return merged;
}

/** `muster.yaml:12:3`, `environment MUSTER_DHCP_MODE`, `--mode` or `default`. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "default":
      return "default";
    case "file":
      return `${origin.file}:${origin.line}:${origin.column}`;
    case "environment":
      return `environment ${origin.variable}`;
    case "flag":
      return origin.flag;
  }
}

/** Whether the value is a section: an object that is no list. */
export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function assign(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    root[head] = value;
    return;
  }
  const below = root[head];
  const section = isSection(below) ? below : {};
  root[head] = section;
  assign(section, rest, value);
}
