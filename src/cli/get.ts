/** `muster get` */
import { Argument, type Command } from "commander";
import { type ApiClient, apiPath } from "../adapters/client/api-client.ts";
import type {
  AssetView,
  ClusterView,
  EventView,
  LeaseView,
  MachineView,
  ProfileView,
  TokenView,
  UnknownView,
} from "../adapters/client/resources.ts";
import { eventColumns } from "./event-columns.ts";
import { example } from "./example.ts";
import { UsageError } from "./exit.ts";
import { ago, bytes, duration, localTime } from "./format.ts";
import { machineColumns } from "./machine-columns.ts";
import type { Session } from "./session.ts";
import { type Column, printable } from "./table.ts";

/** What can be listed. */
export const KINDS = [
  "machines",
  "clusters",
  "profiles",
  "leases",
  "events",
  "tokens",
  "assets",
  "unknown",
] as const;
type Kind = (typeof KINDS)[number];
/** What can be listed one by one. */
const NAMED: readonly Kind[] = ["machines", "clusters", "profiles"];

interface Options {
  readonly state?: string;
  readonly limit?: string;
}

export function defineGet(program: Command, session: Session): void {
  program
    .command("get")
    .description("List what the appliance knows.")
    .addArgument(new Argument("<kind>", "what to list; the singular works too").argParser(kindOf))
    .argument("[name]", "one machine, cluster or profile, by name")
    .option("--state <state>", "machines in this state only")
    .option("--limit <count>", "events: at most this many, the newest", "50")
    .addHelpText(
      "after",
      example(
        "muster get machines",
        "muster get machine kube0 -o json",
        "muster get unknown      who asks but is not registered",
      ),
    )
    .action(async (kind: Kind, name: string | undefined, options: Options) => {
      if (name !== undefined && !NAMED.includes(kind))
        throw new UsageError(`${kind} are listed all together, without a name`);
      await LISTS[kind](session, { name, options });
    });
}

function kindOf(text: string): Kind {
  const known = KINDS.find((kind) => kind === text || kind === `${text}s`);
  if (known) return known;
  throw new UsageError(`"${text}" cannot be listed; known are ${KINDS.join(", ")}`);
}

interface Request {
  readonly name: string | undefined;
  readonly options: Options;
}

const LISTS: Readonly<Record<Kind, (session: Session, request: Request) => Promise<void>>> = {
  machines: async (session, { name, options }) => {
    const client = await session.client();
    const columns = machineColumns(session.style, Date.now());
    if (name !== undefined) {
      const machine = await client.get<MachineView>(apiPath(["machines", name]));
      return session.print([machine], columns, machine);
    }
    const machines = await client.list<MachineView>(["machines"], { state: options.state });
    await printList(session, {
      rows: machines,
      columns,
      none: "no machines; `muster register MAC --name NAME` adds one",
    });
  },
  clusters: async (session, { name }) => {
    await printDocuments<ClusterView>(session, { kind: "clusters", name, columns: CLUSTER_COLUMNS });
  },
  profiles: async (session, { name }) => {
    await printDocuments<ProfileView>(session, { kind: "profiles", name, columns: PROFILE_COLUMNS });
  },
  leases: async (session) => {
    const rows = await (await session.client()).list<LeaseView>(["leases"]);
    await printList(session, { rows, columns: leaseColumns(Date.now()), none: "no leases" });
  },
  events: async (session, { options }) => {
    const rows = await newestEvents(await session.client(), { limit: options.limit });
    await printList(session, { rows, columns: eventColumns(session.style), none: "no events" });
  },
  tokens: async (session) => {
    const rows = await (await session.client()).list<TokenView>(["tokens"]);
    await printList(session, { rows, columns: tokenColumns(Date.now()), none: "no tokens" });
  },
  assets: async (session) => {
    const rows = await (await session.client()).list<AssetView>(["assets"]);
    await printList(session, {
      rows,
      columns: ASSET_COLUMNS,
      none: "no assets; `muster assets pull debian-13` fetches some",
    });
  },
  unknown: async (session) => {
    const rows = await (await session.client()).list<UnknownView>(["unknown"]);
    await printList(session, {
      rows,
      columns: unknownColumns(Date.now()),
      none: "no unknown machines have asked",
    });
  },
};

async function printDocuments<View>(
  session: Session,
  {
    kind,
    name,
    columns,
  }: {
    readonly kind: "clusters" | "profiles";
    readonly name: string | undefined;
    readonly columns: readonly Column<View>[];
  },
): Promise<void> {
  const client = await session.client();
  if (name !== undefined) {
    const view = await client.get<View>(apiPath([kind, name]));
    return session.print([view], columns, view);
  }
  const rows = await client.list<View>([kind]);
  await printList(session, { rows, columns, none: `no ${kind}; \`muster apply -f FILE\` adds some` });
}

const CLUSTER_COLUMNS: readonly Column<ClusterView>[] = [
  { title: "NAME", of: ({ name }) => name },
  { title: "KUBERNETES", of: ({ effective }) => effective.kubernetes?.version ?? "-" },
  { title: "ENDPOINT", of: ({ effective }) => endpointOf(effective) },
  { title: "CNI", of: ({ effective }) => effective.network?.cni ?? "-" },
  { title: "CONTROL PLANES", of: ({ members }) => String(withRole(members, "control-plane")) },
  { title: "WORKERS", of: ({ members }) => String(withRole(members, "worker")) },
  {
    title: "READY",
    of: ({ members }) => `${members.filter(({ state }) => state === "ready").length}/${members.length}`,
  },
];

const PROFILE_COLUMNS: readonly Column<ProfileView>[] = [
  { title: "NAME", of: ({ name }) => name },
  { title: "SAYS", of: ({ spec }) => Object.keys(spec).join(", ") },
];

function endpointOf({ endpoint }: ClusterView["effective"]): string {
  return endpoint ? `${endpoint.address}:${endpoint.port}` : "-";
}

function withRole(members: ClusterView["members"], role: string): number {
  return members.filter(({ roles }) => roles.includes(role)).length;
}

/** The newest events, oldest first. */
export async function newestEvents(
  client: ApiClient,
  query: { readonly limit: string | undefined; readonly machine?: string },
): Promise<readonly EventView[]> {
  const { items } = await client.get<{ readonly items: readonly EventView[] }>(apiPath(["events"], query));
  return items;
}

/** Rows, or one line on stderr when there are none. */
export async function printList<Row>(
  session: Session,
  list: { readonly rows: readonly Row[]; readonly columns: readonly Column<Row>[]; readonly none: string },
): Promise<void> {
  if (list.rows.length === 0) session.say(list.none);
  if (list.rows.length > 0 || session.options.output !== "table")
    await session.print(list.rows, list.columns);
}

function leaseColumns(now: number): readonly Column<LeaseView>[] {
  return [
    { title: "ADDRESS", of: (lease) => lease.address },
    {
      title: "STATE",
      of: (lease) => (lease.expiresAt <= now && lease.state === "bound" ? "expired" : lease.state),
    },
    { title: "MAC", of: (lease) => lease.mac ?? "-" },
    { title: "MACHINE", of: (lease) => lease.machine ?? "-" },
    { title: "HOST", of: (lease) => printable(lease.hostname ?? "-") },
    { title: "ENDS IN", of: (lease) => (lease.expiresAt <= now ? "-" : duration(lease.expiresAt - now)) },
    { title: "CLIENT", of: (lease) => printable(lease.client) },
  ];
}

/** The columns of `muster get tokens` and `muster token list`. */
export function tokenColumns(now: number): readonly Column<TokenView>[] {
  return [
    { title: "ID", of: (token) => token.id },
    { title: "NAME", of: (token) => printable(token.name) },
    { title: "ROLE", of: (token) => token.role },
    { title: "STATE", of: (token) => tokenState(token, now) },
    { title: "LAST USED", of: (token) => ago(token.lastUsedAt, now) },
    {
      title: "EXPIRES",
      of: (token) => (token.expiresAt === undefined ? "never" : localTime(token.expiresAt)),
    },
  ];
}

function tokenState(token: TokenView, now: number): string {
  if (token.revokedAt !== undefined) return "revoked";
  return token.expiresAt !== undefined && token.expiresAt <= now ? "expired" : "valid";
}

/** The columns of `muster get assets` and `muster assets list`. */
export const ASSET_COLUMNS: readonly Column<AssetView>[] = [
  { title: "OS", of: (asset) => asset.os },
  { title: "ARCH", of: (asset) => asset.architecture },
  { title: "NAME", of: (asset) => asset.name },
  { title: "VERSION", of: (asset) => asset.version },
  { title: "SIZE", of: (asset) => bytes(asset.bytes) },
  { title: "FETCHED", of: (asset) => localTime(asset.fetchedAt) },
  { title: "SHA-256", of: (asset) => asset.sha256.slice(0, 16) },
];

function unknownColumns(now: number): readonly Column<UnknownView>[] {
  return [
    { title: "MAC", of: ({ mac }) => mac },
    { title: "ADDRESS", of: ({ address }) => address ?? "-" },
    { title: "SEEN", of: ({ lastSeenAt }) => ago(lastSeenAt, now) },
    { title: "FIRST SEEN", of: ({ firstSeenAt }) => ago(firstSeenAt, now) },
    { title: "TIMES", of: ({ count }) => String(count) },
    { title: "VENDOR CLASS", of: ({ vendorClass }) => printable(vendorClass ?? "-") },
  ];
}
