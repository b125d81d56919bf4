/** `muster register` */
import type { Command } from "commander";
import type { ApiClient } from "../adapters/client/api-client.ts";
import type { MachineView } from "../adapters/client/resources.ts";
import { example } from "./example.ts";
import { failureLines, NegativeResult, UsageError } from "./exit.ts";
import { machineColumns } from "./machine-columns.ts";
import type { RegisterOptions } from "./register-spec.ts";
import type { Session } from "./session.ts";

interface Options extends RegisterOptions {
  readonly csv?: string;
}

export function defineRegister(program: Command, session: Session): void {
  program
    .command("register")
    .description("Register a machine: its next network boot installs it.")
    .argument("[mac]", "the MAC that boots from the network")
    .option("-n, --name <name>", "its name, also its host name (default: made from the MAC)")
    .option("--os <os>", "operating system, like debian-13")
    .option("--address <address>", "address reserved for it")
    .option(
      "--disk <rule>",
      "install disk: largest, only, /dev/…, or serial=…,rotational=false; twice for RAID1",
      append,
    )
    .option("--layout <layout>", "regular, lvm or raid1")
    .option("--wipe", "overwrite whatever the install disk holds")
    .option("--user <name>", "the user that may log in")
    .option("--ssh-key <file>", "public key of that user; may be repeated", append)
    .option("--package <name>", "a package to install; may be repeated", append)
    .option("--console <device>", "console, like ttyS0,115200")
    .option("--cluster <name>", "cluster it belongs to")
    .option("--role <role>", "role in the cluster; may be repeated", append)
    .option(
      "--set <field=value>",
      "any field of the spec, like timezone=Europe/Berlin; may be repeated",
      append,
    )
    .option("-f, --spec <file>", "YAML of the spec; - reads stdin")
    .option("--csv <file>", "one machine a line: the first line names the fields, like mac,name,os")
    .addHelpText(
      "after",
      example(
        "muster register 52:54:00:12:34:01 --name kube0 --os debian-13 --ssh-key ~/.ssh/id_ed25519.pub",
        "muster register 52:54:00:12:34:02 --name db0 --layout lvm --disk serial=S3Z8NB0K",
        "muster register --csv rack.csv",
      ),
    )
    .action(async (mac: string | undefined, options: Options) => {
      const { bodiesFromCsv, bodyFromOptions } = await import("./register-spec.ts");
      if (options.csv !== undefined) {
        if (mac !== undefined) throw new UsageError("--csv names the machines; give no MAC beside it");
        return registerAll(session, await bodiesFromCsv(session.terminal, options.csv, options));
      }
      const body = await bodyFromOptions(session.terminal, mac, options);
      const machine = await registerOne(await session.client(), body);
      await session.print([machine], machineColumns(session.style, Date.now()), machine);
      session.say(
        `power ${machine.name} on and let it boot from the network; \`muster watch\` shows what happens`,
      );
    });
}

function append(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function registerOne(client: ApiClient, body: object): Promise<MachineView> {
  return client.send<MachineView>("POST", "machines", body);
}

async function registerAll(session: Session, bodies: readonly object[]): Promise<void> {
  const client = await session.client();
  const machines: MachineView[] = [];
  for (const [index, body] of bodies.entries()) {
    try {
      machines.push(await registerOne(client, body));
    } catch (error) {
      session.terminal.stderr.write(`line ${index + 2}: ${failureLines(error).join("\n")}\n`);
    }
  }
  await session.print(machines, machineColumns(session.style, Date.now()));
  session.say(`${machines.length} of ${bodies.length} machines registered`);
  if (machines.length < bodies.length) throw new NegativeResult("not all were registered");
}
