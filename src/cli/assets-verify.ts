/** `muster assets verify` */
import type { AssetCheckView } from "../adapters/client/resources.ts";
import { NegativeResult } from "./exit.ts";
import type { Session } from "./session.ts";

/**
 * Hashes every asset again and lists what became of it.
 * @throws NegativeResult when one is missing or changed.
 */
export async function verifyAssets(session: Session): Promise<void> {
  const client = await session.client();
  const { items } = await client.send<{ readonly items: readonly AssetCheckView[] }>(
    "POST",
    "assets/verify",
    {},
  );
  const { style } = session;
  if (items.length === 0 && session.options.output === "table") {
    session.say("no assets; `muster assets pull debian-13` fetches some");
    return;
  }
  await session.print(items, [
    { title: "RESULT", of: ({ result }) => (result === "intact" ? style.good(result) : style.bad(result)) },
    { title: "OS", of: ({ record }) => record.os },
    { title: "ARCH", of: ({ record }) => record.architecture },
    { title: "NAME", of: ({ record }) => record.name },
    { title: "PATH", of: ({ record }) => record.path },
  ]);
  const broken = items.filter(({ result }) => result !== "intact").length;
  if (broken === 0) return;
  session.say(
    `${broken} of ${items.length} are not as they were fetched; \`muster assets pull\` fetches them again`,
  );
  throw new NegativeResult("not all are intact");
}
