/** The pages themselves: gathers what each shows and renders it. */
import type { Machine } from "../../domain/machine.ts";
import { may } from "../../services/permissions.ts";
import { complaintsOf } from "./appliance-status.ts";
import type { ControlServices } from "./control-ports.ts";
import type { LastEvents } from "./last-events.ts";
import { machineView } from "./machine-view.ts";
import { pageOf } from "./paging.ts";
import type { Problem } from "./problem.ts";
import type { Session } from "./session.ts";
import type { Views } from "./views.ts";
import { type ClusterLine, clusterLine, clusterModel } from "./web-cluster.ts";
import { actionsFor, tileOf } from "./web-model.ts";

const EVENTS_SHOWN = 100;
const LINES_SHOWN = 200;
const UNKNOWN_SHOWN = 50;
/** Drawing thousands of tiles at once would keep DHCP waiting. */
const TILES_SHOWN = 200;

export interface WebPagesOptions {
  readonly services: ControlServices;
  readonly views: Views;
  readonly lastEvents: LastEvents;
}

interface PageRequest {
  readonly session: Session;
  /** What went wrong with the form that was just sent. */
  readonly problem?: Problem;
  /** What was in that form. */
  readonly sent?: Readonly<Record<string, string>>;
}

interface MachinesRequest extends PageRequest {
  /** Only machines in this state. */
  readonly state?: string | undefined;
  /** Only machines after this name. */
  readonly after?: string | undefined;
}

export class WebPages {
  readonly #options: WebPagesOptions;

  constructor(options: WebPagesOptions) {
    this.#options = options;
  }

  /** The first page: a tile for each machine, what is wrong with the appliance, who knocks unregistered. */
  async machines({ session, problem, sent = {}, state, after }: MachinesRequest): Promise<string> {
    const { machines } = this.#options.services;
    await this.#options.lastEvents.ready();
    const roll = machines.list().filter((machine) => machine.state !== "retired");
    const wanted = state === undefined ? roll : machines.list().filter((machine) => machine.state === state);
    const page = pageOf(wanted, { after, limit: TILES_SHOWN, keyOf: (machine) => machine.name });
    return this.#options.views("machines.njk", {
      ...(await this.#frame(session, problem)),
      tiles: page.items.map((machine) => this.#tileOf(machine)),
      next: page.next ?? "",
      state: state ?? "",
      // A page that shows only some machines is not given tiles of others while it is open.
      complete: wanted.length === roll.length && page.items.length === roll.length,
      clusters: this.#clusterLines(),
      retired: machines.list().length - roll.length,
      counts: countStates(roll),
      unknown: machines.unknown().slice(0, UNKNOWN_SHOWN),
      mayRegister: may(session.principal.role, "machines:write"),
      sent: { mac: sent.mac ?? "", name: sent.name ?? "", os: sent.os ?? "debian-13" },
    });
  }

  /** One machine: where it stands, why, what happened, and what can be done. */
  async machine(
    request: PageRequest & { readonly name: string },
  ): Promise<{ readonly status: number; readonly html: string }> {
    const { services, views, lastEvents } = this.#options;
    const { session, problem, name } = request;
    const machine = services.machines.byName(name);
    const frame = await this.#frame(session, problem);
    if (!machine) return { status: 404, html: views("missing.njk", { ...frame, name }) };
    await lastEvents.ready();
    const [events, lines, diagnosis] = await Promise.all([
      services.timeline.list({ machine: name, limit: EVENTS_SHOWN }),
      services.installerLogs.list({ machine: name, limit: LINES_SHOWN }),
      services.diagnose(machine),
    ]);
    const { role } = session.principal;
    const html = views("machine.njk", {
      ...frame,
      machine: machineView(machine, role),
      tile: this.#tileOf(machine),
      events: [...events].reverse(),
      lines,
      diagnosis,
      actions: may(role, "machines:install") ? actionsFor(machine) : [],
      documents: may(role, "documents:render") ? services.documents.names : [],
    });
    return { status: 200, html };
  }

  /** One cluster: its machines with their roles and Nodes, what is wrong, what it may lose. */
  async cluster(
    request: PageRequest & { readonly name: string },
  ): Promise<{ readonly status: number; readonly html: string }> {
    const { services, views } = this.#options;
    const { session, problem, name } = request;
    const cluster = services.resources.clusters.get(name);
    const frame = await this.#frame(session, problem);
    if (!cluster) return { status: 404, html: views("missing.njk", { ...frame, name, what: "cluster" }) };
    const status = services.clusters.lastStatus(cluster);
    const model = clusterModel({ cluster, status }, (each) => services.machines.byName(each));
    return { status: 200, html: views("cluster.njk", { ...frame, cluster: model }) };
  }

  /** The HTML of one tile; undefined when the machine is gone or retired. */
  tile(name: string): string | undefined {
    const machine = this.#options.services.machines.byName(name);
    if (!machine || machine.state === "retired") return undefined;
    return this.#options.views("tile.njk", { tile: this.#tileOf(machine) });
  }

  #clusterLines(): readonly ClusterLine[] {
    const { resources, clusters } = this.#options.services;
    return resources.clusters.list().map((cluster) => clusterLine(clusters.lastStatus(cluster)));
  }

  #tileOf(machine: Machine) {
    return tileOf(machine, this.#options.lastEvents.of(machine.name));
  }

  async #frame(session: Session, problem: Problem | undefined): Promise<Readonly<Record<string, unknown>>> {
    const status = await this.#options.services.status();
    return {
      session: true,
      who: session.principal.name,
      role: session.principal.role,
      formToken: session.formToken,
      version: status.version,
      dhcpMode: status.dhcpMode,
      complaints: complaintsOf(status),
      problem: problem ?? false,
    };
  }
}

function countStates(
  machines: readonly Machine[],
): readonly { readonly state: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const { state } of machines) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => ({ state, count }));
}
