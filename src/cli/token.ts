/** `muster token` */
import { type Command, Option } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { TokenView } from "../adapters/client/resources.ts";
import { example } from "./example.ts";
import { UsageError } from "./exit.ts";
import { parseDuration } from "./format.ts";
import { printList, tokenColumns } from "./get.ts";
import type { Session } from "./session.ts";

interface CreateOptions {
  readonly role: string;
  readonly expires?: string;
}

export function defineToken(program: Command, session: Session): void {
  const token = program
    .command("token")
    .description("Make, list and revoke API tokens.")
    .addHelpText(
      "after",
      example("muster token create ci --role operator --expires 30d", "muster token list"),
    );
  token
    .command("create")
    .description("Make a token; it is shown this once and kept only as a hash.")
    .argument("<name>", "what it is for; shown in the audit trail")
    .addOption(
      new Option("--role <role>", "what it may do")
        .choices(["admin", "operator", "viewer"])
        .default("viewer"),
    )
    .option("--expires <duration>", "how long it is valid, like 12h or 30d (default: for ever)")
    .addHelpText("after", example("muster token create ci --role operator --expires 30d > ci.token"))
    .action((name: string, options: CreateOptions) => create(session, name, options));
  token
    .command("list")
    .description("List every token, without the tokens themselves.")
    .addHelpText("after", example("muster token list"))
    .action(async () => {
      const rows = await (await session.client()).list<TokenView>(["tokens"]);
      await printList(session, { rows, columns: tokenColumns(Date.now()), none: "no tokens" });
    });
  token
    .command("revoke")
    .description("Make tokens worthless at once.")
    .argument("<id...>", "ids, as `muster token list` shows them")
    .addHelpText("after", example("muster token revoke 4f2a9c0e1b7d3a55"))
    .action(async (ids: string[]) => {
      const client = await session.client();
      for (const id of ids) {
        await client.send("DELETE", apiPath(["tokens", id]));
        session.say(`${id}: revoked`);
      }
    });
}

async function create(session: Session, name: string, { role, expires }: CreateOptions): Promise<void> {
  const lifetime = expires === undefined ? undefined : parseDuration(expires);
  if (expires !== undefined && lifetime === undefined) {
    throw new UsageError(`--expires ${expires}: write it like 12h or 30d`);
  }
  const body = {
    name,
    role,
    ...(lifetime !== undefined && { expiresInSeconds: Math.round(lifetime / 1000) }),
  };
  const client = await session.client();
  const made = await client.send<TokenView & { readonly token: string }>("POST", "tokens", body);
  if (await session.printWhole(made)) return;
  session.say(`token ${made.id} (${role}); it is not shown again:`);
  session.data(made.token);
}
