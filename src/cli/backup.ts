/** `muster backup` */
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { example } from "./example.ts";
import type { Session } from "./session.ts";

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
      await writeWhole(stream, target);
      session.say(`${file}: written; it holds secrets, only you can read it`);
    });
}

/** Readable by its owner only, and there whole or not at all. */
async function writeWhole(stream: Readable, target: string): Promise<void> {
  const partial = `${target}.partial`;
  try {
    const handle = await open(partial, "w", 0o600);
    await pipeline(stream, handle.createWriteStream({ flush: true }));
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
