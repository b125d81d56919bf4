/** `muster backup` */
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { example } from "./example.ts";
import type { Session } from "./session.ts";
import { writeSecretly } from "./write-secretly.ts";

export function defineBackup(program: Command, session: Session): void {
  program
    .command("backup")
    .description("Write the appliance's whole state to one file, while it runs. The file holds secrets.")
    .argument("<file>", "where to; - writes to stdout")
    .addHelpText(
      "after",
      example("muster backup muster-2026-11-21.backup", "muster backup - | ssh vault 'cat > muster.backup'"),
    )
    .action(async (file: string) => {
      const stream = await (await session.client()).download("backup");
      if (file === "-") return pipeline(stream, session.terminal.stdout, { end: false });
      const target = path.resolve(session.terminal.workingDirectory, file);
      await writeSecretly(stream, target);
      session.say(`${file}: written; it holds secrets, only you can read it`);
    });
}
