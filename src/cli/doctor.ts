/** `muster doctor` */
import type { Command } from "commander";
import { example } from "./example.ts";
import type { Session } from "./session.ts";

export function defineDoctor(program: Command, session: Session): void {
  program
    .command("doctor")
    .description(
      "Check this host and its network: ports, rights, other DHCP servers, clock, disk, mirror, assets.",
    )
    .addHelpText("after", example("sudo muster doctor", "muster doctor -o json"))
    .action(async () => {
      const { diagnoseHost } = await import("./diagnose-host.ts");
      await diagnoseHost(session);
    });
}
