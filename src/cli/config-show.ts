/** `muster config show` */
import { MASK, redact } from "../config/redact.ts";
import { settingsOf } from "../config/settings.ts";
import { describeOrigin } from "../config/source.ts";
import { loadAppliedConfig } from "./load-config.ts";
import type { Session } from "./session.ts";

/** The whole effective configuration: YAML, or JSON when asked for. */
export async function showConfig(session: Session): Promise<void> {
  const { config, file, warnings } = loadAppliedConfig(session.terminal, session.options);
  for (const warning of warnings) session.warn(warning);
  session.say(`# from ${file ?? "defaults and environment"}`);
  if (await session.printWhole(redact(config))) return;
  const { stringify } = await import("yaml");
  session.data(stringify(redact(config)).trimEnd());
}

/** One line per setting: its value and who said so. */
export async function showOrigins(session: Session): Promise<void> {
  const { config, originOf } = loadAppliedConfig(session.terminal, session.options);
  const shown = redact(config);
  const rows = settingsOf().map(({ path, secret }) => {
    const value = path.reduce<unknown>(
      (parent, key) => (parent as Record<string, unknown> | undefined)?.[key],
      shown,
    );
    return {
      setting: path.join("."),
      value: secret && value !== undefined ? MASK : value,
      origin: describeOrigin(originOf(path)),
    };
  });
  await session.print(rows, [
    { title: "SETTING", of: (row) => row.setting },
    { title: "VALUE", of: (row) => (row.value === undefined ? "-" : JSON.stringify(row.value)) },
    { title: "ORIGIN", of: (row) => row.origin },
  ]);
}
