import type { SettingStore } from "../../services/store.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** Settings as JSON values by key. */
export function settingTable({ database, run }: SqliteConnection): SettingStore {
  const get = database.prepare<[string], { value: string }>("SELECT value FROM settings WHERE key = ?");
  const put = database.prepare(
    "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const remove = database.prepare("DELETE FROM settings WHERE key = ?");
  return {
    get: (key) =>
      run(() => {
        const row = get.get(key);
        return row === undefined ? undefined : (JSON.parse(row.value) as unknown);
      }),
    put: (key, value) => run(() => void put.run(key, JSON.stringify(value))),
    remove: (key) => run(() => void remove.run(key)),
  };
}
