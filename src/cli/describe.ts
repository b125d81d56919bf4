/** `muster describe` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { ClusterView, EventView, MachineView } from "../adapters/client/resources.ts";
import { eventLine } from "./event-columns.ts";
import { example } from "./example.ts";
import { UsageError } from "./exit.ts";
import { ago, duration, localTime, UNFOLDED } from "./format.ts";
import type { Session } from "./session.ts";
import { paintState, type Style } from "./style.ts";
import { type Column, printable, tableLines } from "./table.ts";

export function defineDescribe(program: Command, session: Session): void {
  program
    .command("describe")
    .description(
      "Tell everything about one machine and what happened to it lately, or about one cluster or profile.",
    )
    .argument("<what>", "name of a machine; or cluster, profile or machine before a name")
    .argument("[name]", "name of the cluster, profile or machine")
    .addHelpText("after", example("muster describe kube0", "muster describe cluster lab"))
    .action(async (what: string, second: string | undefined) => {
      const kind = second === undefined ? "machine" : what;
      const name = second ?? what;
      if (kind === "cluster" || kind === "profile") return describeDocument(session, kind, name);
      if (kind !== "machine")
        throw new UsageError(`"${kind}" cannot be described; give cluster, profile or machine`);
      const client = await session.client();
      const machine = await client.get<MachineView>(apiPath(["machines", name]));
      const events = await client.get<{ readonly items: readonly EventView[] }>(
        apiPath(["machines", name, "events"], { limit: 10 }),
      );
      if (await session.printWhole({ ...machine, events: events.items })) return;
      for (const [label, value] of factsOf(machine, session.style, Date.now())) {
        session.data(`${`${label}:`.padEnd(14)}${value}`);
      }
      const { stringify } = await import("yaml");
      session.data(`\nSpec:\n${indented(stringify(machine.spec, UNFOLDED))}`);
      session.data("\nLast events:");
      for (const event of events.items) session.data(`  ${eventLine(event, session.style)}`);
    });
}

async function describeDocument(session: Session, kind: "cluster" | "profile", name: string): Promise<void> {
  const view = await (await session.client()).get<ClusterView>(apiPath([`${kind}s`, name]));
  if (await session.printWhole(view)) return;
  const { stringify } = await import("yaml");
  session.data(`${`${kind === "cluster" ? "Cluster" : "Profile"}:`.padEnd(14)}${view.name}`);
  session.data(`${"Changed:".padEnd(14)}${localTime(view.updatedAt)}, revision ${view.revision}`);
  if (kind === "cluster") {
    session.data("\nMembers:");
    for (const line of tableLines(view.members, MEMBER_COLUMNS)) session.data(`  ${line}`);
  }
  session.data(`\nSpec:\n${indented(stringify(kind === "cluster" ? view.effective : view.spec, UNFOLDED))}`);
}

const MEMBER_COLUMNS: readonly Column<ClusterView["members"][number]>[] = [
  { title: "NAME", of: ({ name }) => name },
  { title: "STATE", of: ({ state }) => state ?? "-" },
  { title: "ADDRESS", of: ({ address }) => address },
  { title: "ROLES", of: ({ roles }) => roles.join(", ") },
];

type Fact = readonly [label: string, value: string];

function factsOf(machine: MachineView, style: Style, now: number): readonly Fact[] {
  const { failure, seen } = machine;
  const facts: (Fact | undefined)[] = [
    ["Name", machine.name],
    ["State", paintState(machine.state, style)],
    fact("Stage", machine.stage && printable(machine.stage)),
    fact("Failed", failure && style.bad(`${printable(failure.reason)} (${ago(failure.at, now)})`)),
    fact(
      "Held",
      machine.held && style.bad(`${printable(machine.held)}; \`muster confirm ${machine.name}\` ends it`),
    ),
    fact("Next boot", machine.bootOverride),
    ["Generation", `${machine.generation}, ${machine.installAttempts} installer boots`],
    fact("Cluster", machine.spec.cluster && `${machine.spec.cluster} as ${machine.spec.roles.join(", ")}`),
    ["MAC", machine.mac],
    ["Address", printable(machine.address ?? "-")],
    ["Last seen", `${ago(seen?.at, now)}${seen?.vendorClass ? ` as ${printable(seen.vendorClass)}` : ""}`],
    ...machine.systemDisks.map(
      (disk): Fact => [
        "System disk",
        printable([disk.path, disk.model, disk.serial ?? disk.wwn].filter(Boolean).join(" ")),
      ],
    ),
    fact("Fails in", machine.deadline && `${duration(machine.deadline - now)} without another report`),
    ["Registered", localTime(machine.createdAt)],
  ];
  return facts.filter((each) => each !== undefined);
}

function fact(label: string, value: string | 0 | undefined): Fact | undefined {
  return value === undefined || value === "" || value === 0 ? undefined : [label, value];
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, "  ");
}
