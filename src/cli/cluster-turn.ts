/** `muster cluster turn`, `give-init` and `unfreeze` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { ClusterTurnsView } from "../adapters/client/resources.ts";
import { confirmed } from "./ask.ts";
import { example } from "./example.ts";
import { ago, duration, localTime } from "./format.ts";
import type { Session } from "./session.ts";
import { type Column, printable, tableLines } from "./table.ts";

export function defineClusterTurn(group: Command, session: Session): void {
  group
    .command("turn")
    .description("Show who initialises or joins a cluster, since when, and why the others wait.")
    .argument("<name>", "name of the cluster")
    .addHelpText("after", example("muster cluster turn lab"))
    .action(async (name: string) => {
      const view = await (await session.client()).get<ClusterTurnsView>(apiPath(["clusters", name, "turn"]));
      await printTurns(session, view);
    });
}

export function defineClusterGiveInit(group: Command, session: Session): void {
  group
    .command("give-init")
    .description(
      "Give the turn to initialise to another control plane. The present holder must be gone for good: its identity is revoked, and should it come back it has to be reimaged.",
    )
    .argument("<name>", "name of the cluster")
    .requiredOption("--to <machine>", "control plane that initialises from now on")
    .requiredOption("--confirm-gone <machine>", "the present holder, which you know to be gone")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", example("muster cluster give-init lab --to kube1 --confirm-gone kube0"))
    .action(async (name: string, options: { to: string; confirmGone: string; yes?: boolean }) => {
      const { to, confirmGone, yes } = options;
      const question = `Is ${confirmGone} gone for good? Its identity is revoked and ${to} initialises ${name}.`;
      await confirmed(session, { question, yes });
      const path = apiPath(["clusters", name, "give-init"]);
      const view = await (await session.client()).send<ClusterTurnsView>("POST", path, { to, confirmGone });
      session.say(`${to} initialises ${name}; ${confirmGone} has to be reimaged before it may join`);
      await printTurns(session, view);
    });
}

export function defineClusterUnfreeze(group: Command, session: Session): void {
  group
    .command("unfreeze")
    .description("Let a cluster go on that was frozen because its etcd is not the one on record.")
    .argument("<name>", "name of the cluster")
    .option("--etcd-cluster-id <id>", "the right etcd from now on, as after a restore of a snapshot")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", example("muster cluster unfreeze lab --etcd-cluster-id cdf818194e3a8c32"))
    .action(async (name: string, options: { etcdClusterId?: string; yes?: boolean }) => {
      const { etcdClusterId, yes } = options;
      await confirmed(session, { question: `Let ${name} go on? Machines may join it again.`, yes });
      const body = etcdClusterId === undefined ? {} : { etcdClusterId };
      const path = apiPath(["clusters", name, "unfreeze"]);
      await printTurns(session, await (await session.client()).send<ClusterTurnsView>("POST", path, body));
    });
}

async function printTurns(session: Session, view: ClusterTurnsView): Promise<void> {
  if (await session.printWhole(view)) return;
  session.data(`${view.cluster}: ${phaseOf(view)}`);
  if (view.frozen !== undefined) session.data(session.style.bad(`frozen: ${printable(view.frozen)}`));
  session.data(`add-ons: ${printable(view.addons)}`);
  session.data("");
  for (const line of tableLines(view.machines, columns(Date.now()))) session.data(line);
}

function phaseOf({ phase, initialiser, since, etcdClusterId }: ClusterTurnsView): string {
  if (phase === "none") return "not initialised; the first control plane that asks initialises it";
  const when = since === undefined ? "" : ` since ${localTime(since)}`;
  if (phase === "initialising") return `${initialiser ?? ""} initialises it${when}`;
  const etcd = etcdClusterId === undefined ? "" : `, etcd cluster ${etcdClusterId}`;
  return `initialised by ${initialiser ?? ""}${when}${etcd}`;
}

type Row = ClusterTurnsView["machines"][number];

function columns(now: number): readonly Column<Row>[] {
  return [
    { title: "MACHINE", of: ({ machine }) => machine },
    { title: "ROLES", of: ({ roles }) => roles.join(",") },
    { title: "STATE", of: ({ state }) => state },
    { title: "TURN", of: ({ turn }) => (turn === "none" ? "-" : turn) },
    { title: "SINCE", of: ({ since }) => ago(since, now) },
    {
      title: "LEFT",
      of: ({ deadline }) => (deadline === undefined ? "-" : duration(Math.max(0, deadline - now))),
    },
    { title: "TOLD", of: ({ told }) => printable(told ?? "-") },
    { title: "ASKED", of: ({ toldAt }) => ago(toldAt, now) },
  ];
}
