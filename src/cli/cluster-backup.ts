/** `muster cluster backup` */
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import { example } from "./example.ts";
import type { Session } from "./session.ts";
import { writeSecretly } from "./write-secretly.ts";

export function defineClusterBackup(group: Command, session: Session): void {
  group
    .command("backup")
    .description(
      "Write a snapshot of a cluster's etcd to a file, while the cluster runs. It holds every secret.",
    )
    .argument("<name>", "name of the cluster")
    .argument("<file>", "where to; - writes to stdout")
    .addHelpText("after", example("muster cluster backup lab lab-2026-11-21.etcd"))
    .action(async (name: string, file: string) => {
      const stream = await (await session.client()).download(apiPath(["clusters", name, "backup"]));
      if (file === "-") return pipeline(stream, session.terminal.stdout, { end: false });
      await writeSecretly(stream, path.resolve(session.terminal.workingDirectory, file));
      session.say(`${file}: written; it holds secrets, only you can read it`);
    });
}
