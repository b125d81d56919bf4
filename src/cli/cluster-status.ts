/** `muster cluster status` */
import type { Command } from "commander";
import { apiPath } from "../adapters/client/api-client.ts";
import type { ClusterStatusView } from "../adapters/client/resources.ts";
import { describeApi } from "../domain/cluster/cluster-status.ts";
import { example } from "./example.ts";
import { NegativeResult } from "./exit.ts";
import { bytes } from "./format.ts";
import type { Session } from "./session.ts";
import type { Style } from "./style.ts";
import { type Column, printable, tableLines } from "./table.ts";

export function defineClusterStatus(group: Command, session: Session): void {
  group
    .command("status")
    .description(
      "Tell how a cluster is: API servers, endpoint, nodes, etcd, DNS, and what it may lose; exit code 1 when it is not healthy.",
    )
    .argument("<name>", "name of the cluster")
    .addHelpText("after", example("muster cluster status lab", "muster cluster status lab -o json"))
    .action(async (name: string) => {
      const client = await session.client();
      const status = await client.get<ClusterStatusView>(apiPath(["clusters", name, "status"]));
      if (!(await session.printWhole(status))) {
        for (const line of linesOf(status, session.style)) session.data(line);
      }
      if (!status.healthy) throw new NegativeResult("not healthy");
    });
}

function linesOf(status: ClusterStatusView, style: Style): readonly string[] {
  const { cluster, summary, problems, healthy } = status;
  const head = `${cluster}: ${healthy ? style.good(summary) : style.bad(printable(summary))}`;
  if (status.phase === "none") return [head];
  return [
    head,
    ...problems.map((problem) => `  ${style.bad("-")} ${printable(problem)}`),
    "",
    ...tableLines(partsOf(status), partColumns(style)),
    "",
    ...tableLines(status.redundancy, redundancyColumns(style)),
  ];
}

interface Part {
  readonly what: string;
  readonly name: string;
  readonly ok: boolean;
  readonly state: string;
  readonly detail: string;
}

function partsOf({ endpoint, apiServers, nodes, etcd, dns }: ClusterStatusView): readonly Part[] {
  const api = (name: string, health: ClusterStatusView["apiServers"][number]["health"], at: string): Part => {
    const ok = health.kind === "ready";
    return { what: "api", name, ok, state: health.kind, detail: ok ? at : `${at} ${describeApi(health)}` };
  };
  return [
    ...(endpoint ? [{ ...api("endpoint", endpoint.health, endpoint.at), what: "endpoint", name: "-" }] : []),
    ...apiServers.map(({ machine, at, health }) => api(machine, health, at)),
    ...etcd.members.map((member) => ({
      what: "etcd",
      name: member.name,
      ok: member.state === "healthy",
      state: member.leader ? `${member.state}, leader` : member.state,
      detail: member.version === "" ? "" : `${member.version}, ${bytes(member.dbBytes)}`,
    })),
    ...nodes.map((node) => ({
      what: "node",
      name: node.name,
      ok: node.state === "ready",
      state: node.state,
      detail: node.state === "ready" ? [node.kubeletVersion, ...node.podCIDRs].join(", ") : node.reason,
    })),
    ...(dns
      ? [
          {
            what: "dns",
            name: "coredns",
            ok: dns.ready >= dns.wanted,
            state: `${dns.ready}/${dns.wanted}`,
            detail: "",
          },
        ]
      : []),
  ];
}

function partColumns(style: Style): readonly Column<Part>[] {
  return [
    { title: "PART", of: ({ what }) => what },
    { title: "NAME", of: ({ name }) => printable(name) },
    { title: "STATE", of: ({ ok, state }) => (ok ? style.good(state) : style.bad(state)) },
    { title: "DETAIL", of: ({ detail }) => printable(detail) },
  ];
}

function redundancyColumns(style: Style): readonly Column<ClusterStatusView["redundancy"][number]>[] {
  return [
    { title: "REDUNDANCY", of: ({ component }) => component },
    { title: "THERE", of: ({ present, wanted }) => (wanted === 0 ? "-" : `${present} of ${wanted}+`) },
    {
      title: "MAY LOSE",
      of: ({ spare, holds, wanted }) => {
        if (wanted === 0) return "-";
        return holds ? style.good(String(spare)) : style.busy(String(spare));
      },
    },
    { title: "IF ALL THAT IS LOST", of: ({ effectOfLoss }) => effectOfLoss },
  ];
}
