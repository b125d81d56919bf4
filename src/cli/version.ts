/** `muster version` */
import type { Command } from "commander";
import { packageVersion } from "../config/package-root.ts";
import { example } from "./example.ts";
import type { Session } from "./session.ts";

export function defineVersion(program: Command, session: Session): void {
  program
    .command("version")
    .description("Print the version.")
    .addHelpText("after", example("muster version", "muster version -o json"))
    .action(async () => {
      const version = packageVersion();
      const { arch, platform, version: node } = process;
      if (!(await session.printWhole({ version, node, platform, architecture: arch })))
        session.data(`muster ${version}`);
    });
}
