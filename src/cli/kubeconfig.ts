/** `muster kubeconfig`, also as `muster cluster kubeconfig` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { KubeconfigView } from "../adapters/client/resources.ts";
import { example } from "./example.ts";
import { UsageError } from "./exit.ts";
import { localTime, parseDuration } from "./format.ts";
import type { Session } from "./session.ts";

interface Options {
  readonly user?: string;
  readonly group?: readonly string[];
  readonly lifetime?: string;
}

export function defineKubeconfig(parent: Command, session: Session): void {
  parent
    .command("kubeconfig")
    .description(
      "Print a kubeconfig that the cluster's own CA signed; it holds a private key and ends by itself.",
    )
    .argument("<name>", "name of the cluster")
    .option("--user <name>", "who it is for, as Kubernetes' audit log shows it (default: kubernetes-admin)")
    .option(
      "--group <name...>",
      "groups that RBAC knows (default: kubeadm:cluster-admins, who may do everything)",
    )
    .option("--lifetime <duration>", "how long it is valid, like 8h or 30d (default: 30d)")
    .addHelpText(
      "after",
      example(
        "muster kubeconfig lab > ~/.kube/config",
        "muster kubeconfig lab --user jane --group team-a --lifetime 8h > jane.kubeconfig",
      ),
    )
    .action((name: string, options: Options) => run(session, name, options));
}

async function run(session: Session, name: string, { user, group, lifetime }: Options): Promise<void> {
  const milliseconds = lifetime === undefined ? undefined : parseDuration(lifetime);
  if (lifetime !== undefined && milliseconds === undefined) {
    throw new UsageError(`--lifetime ${lifetime}: write it like 8h or 30d`);
  }
  const body = {
    ...(user !== undefined && { user }),
    ...(group !== undefined && { groups: group }),
    ...(milliseconds !== undefined && { lifetimeSeconds: Math.round(milliseconds / 1000) }),
  };
  const client = await session.client();
  const made = await client.send<KubeconfigView>("POST", apiPath(["clusters", name, "kubeconfig"]), body);
  if (await session.printWhole(made)) return;
  session.data(made.text.trimEnd());
  session.say(
    `for ${made.user} (${made.groups.join(", ") || "no group"}), valid until ${localTime(made.expiresAt)}`,
  );
}
