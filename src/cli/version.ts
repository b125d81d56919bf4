/** `muster version` */
import { createRequire } from "node:module";
import type { Command } from "commander";
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

/** The version in package.json, which lies two directories up both in the source tree and in the built one. */
export function packageVersion(): string {
  const manifest = createRequire(import.meta.url)("../../package.json") as { readonly version: string };
  return manifest.version;
}
