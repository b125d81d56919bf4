/** Between records and rows: an absent field is a NULL column. */

type Column = string | number | null;

/** The named parameters of a statement: the given fields of a record, NULL for those it lacks. */
export function parametersOf<T extends object>(
  fields: readonly (keyof T & string)[],
  record: T,
): Record<string, Column> {
  const parameters: Record<string, Column> = {};
  for (const field of fields) parameters[field] = columnOf(record[field]);
  return parameters;
}

/** The fields of a row; columns that are NULL become absent fields. The schema vouches for the types of the others. */
export function fieldsOf(row: unknown): object {
  return Object.fromEntries(Object.entries(row as object).filter(([, value]) => value !== null));
}

/** `INSERT … ON CONFLICT DO UPDATE` over these fields; the first `keys` of them are the key. */
export function upsertSql(table: string, fields: readonly string[], keys = 1): string {
  const updates = fields.slice(keys).map((field) => `${field} = excluded.${field}`);
  return (
    `INSERT INTO ${table} (${fields.join(", ")}) VALUES (${fields.map((field) => `@${field}`).join(", ")}) ` +
    `ON CONFLICT (${fields.slice(0, keys).join(", ")}) DO UPDATE SET ${updates.join(", ")}`
  );
}

function columnOf(value: unknown): Column {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" || typeof value === "number") return value;
  return typeof value === "boolean" ? Number(value) : JSON.stringify(value);
}
