/** A person's settings laid over ours. */

type Settings = Readonly<Record<string, unknown>>;

/** Objects are merged key by key, everything else is replaced; `null` takes a setting away. */
export function mergeSettings(ours: Settings, theirs: Settings): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...ours };
  for (const [key, value] of Object.entries(theirs)) {
    const present = merged[key];
    if (value === null) Reflect.deleteProperty(merged, key);
    else merged[key] = isSettings(present) && isSettings(value) ? mergeSettings(present, value) : value;
  }
  return merged;
}

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
