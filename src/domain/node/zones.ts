/** bind9 with the forward and reverse zones of the cluster: every member, the endpoint, nothing by hand. */
import { parseSubnet } from "../../net/subnet.ts";
import { type ClusterMember, type ClusterView, membersWith } from "../cluster/members.ts";
import { RenderError } from "../errors.ts";
import type { TextFile } from "../install/shell.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { textFile } from "./text-file.ts";

const ZONES = "/etc/bind/muster";

interface Zone {
  readonly name: string;
  readonly records: readonly string[];
}

/** named's configuration on the machines with the role `dns`. */
export function dnsFiles(input: NodePlanInput): readonly TextFile[] {
  if (!input.member.roles.includes("dns")) return [];
  return [
    textFile("/etc/bind/named.conf.options", options(input)),
    textFile("/etc/bind/named.conf.local", local(zonesOf(input.cluster))),
  ];
}

/** Zone files named `db.ZONE`; `@SERIAL@` is filled in on the machine, which knows what it served before. */
export function zoneFiles(
  input: NodePlanInput,
): readonly { readonly name: string; readonly content: string }[] {
  if (!input.member.roles.includes("dns")) return [];
  return zonesOf(input.cluster).map((zone) => ({
    name: `db.${zone.name}`,
    content: zoneText(zone, input.cluster),
  }));
}

function options({ cluster }: NodePlanInput): string {
  const { forwarders, allow, statisticsPort } = cluster.spec.dns;
  const trusted = [...cluster.members.map(({ address }) => address), cluster.spec.network.podCIDR, ...allow];
  return `${[
    "acl trusted {",
    "  localhost;",
    ...trusted.map((network) => `  ${network};`),
    "};",
    "",
    "options {",
    '  directory "/var/cache/bind";',
    "  listen-on { any; };",
    "  listen-on-v6 { none; };",
    "  allow-query { trusted; };",
    "  allow-recursion { trusted; };",
    "  allow-transfer { none; };",
    `  recursion ${forwarders.length ? "yes" : "no"};`,
    ...(forwarders.length
      ? [`  forwarders { ${forwarders.map((ip) => `${ip};`).join(" ")} };`, "  forward only;"]
      : []),
    "  dnssec-validation no;",
    "};",
    ...(statisticsPort === undefined
      ? []
      : ["", "statistics-channels {", `  inet 127.0.0.1 port ${statisticsPort} allow { localhost; };`, "};"]),
  ].join("\n")}\n`;
}

function local(zones: readonly Zone[]): string {
  return zones
    .map(({ name }) => `zone "${name}" {\n  type master;\n  file "${ZONES}/db.${name}";\n};\n`)
    .join("");
}

/** The forward zone, and reverse zones as large as whole octets of the machines' network allow. */
function zonesOf(cluster: ClusterView): readonly Zone[] {
  const zone = zoneName(cluster);
  const names = [
    ...cluster.members.map(({ name, address }) => [name, address] as const),
    ...endpointName(cluster, zone),
  ];
  const servers = membersWith(cluster, "dns").map(({ name }) => `@ IN NS ${name}.${zone}.`);
  const forward = {
    name: zone,
    records: [
      ...servers,
      ...[...names, ...registryNames(cluster, zone)].map(([name, address]) => `${name} IN A ${address}`),
    ],
  };
  const octets = networkOctets(cluster);
  const reverse = new Map<string, string[]>();
  for (const [name, address] of names) {
    const [network, host] = reversed(address, octets);
    const records = reverse.get(network) ?? [...servers];
    reverse.set(network, [...records, `${host} IN PTR ${name}.${zone}.`]);
  }
  return [forward, ...[...reverse].map(([name, records]) => ({ name, records }))];
}

function zoneName(cluster: ClusterView): string {
  const [first] = membersWith(cluster, "dns");
  const zone = cluster.spec.dns.zone ?? first?.spec.domain;
  if (zone === undefined)
    throw new RenderError(
      `the role dns needs a zone: set dns.zone of cluster ${cluster.name}, or the domain of ${first?.name ?? "its machine"}`,
    );
  return zone;
}

function endpointName(cluster: ClusterView, zone: string): readonly (readonly [string, string])[] {
  const { endpoint } = cluster.spec;
  const name = ownName(endpoint?.name, { cluster, zone });
  return endpoint && name !== undefined ? [[name, endpoint.address]] : [];
}

/** The registry's own name leads to its machine; that machine's address leads to the machine's name alone. */
function registryNames(cluster: ClusterView, zone: string): readonly (readonly [string, string])[] {
  const name = ownName(cluster.spec.registry.name, { cluster, zone });
  if (name === undefined) return [];
  return membersWith(cluster, "registry").map(({ address }) => [name, address]);
}

/** A name as the zone writes it; undefined when it lies elsewhere, or a member has it already. */
function ownName(
  name: string | undefined,
  { cluster, zone }: { readonly cluster: ClusterView; readonly zone: string },
): string | undefined {
  const suffix = `.${zone}`;
  if (!name || (!name.endsWith(suffix) && name.includes("."))) return undefined;
  const short = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  return cluster.members.some((member: ClusterMember) => member.name === short) ? undefined : short;
}

/** How many octets of an address name its network: 2 for a /16, 3 for a /24 and smaller ones. */
function networkOctets(cluster: ClusterView): number {
  const nodes = cluster.spec.network.nodes;
  const prefix = nodes ? parseSubnet(nodes.cidr)?.prefix : undefined;
  return prefix === undefined ? 3 : Math.min(3, Math.max(1, Math.floor(prefix / 8)));
}

function reversed(address: string, octets: number): readonly [network: string, host: string] {
  const parts = address.split(".");
  const network = parts.slice(0, octets).reverse().join(".");
  return [`${network}.in-addr.arpa`, parts.slice(octets).reverse().join(".")];
}

function zoneText({ name, records }: Zone, cluster: ClusterView): string {
  const [server] = membersWith(cluster, "dns");
  return `${[
    "$TTL 300",
    `@ IN SOA ${server?.name ?? "ns"}.${zoneName(cluster)}. hostmaster.${zoneName(cluster)}. (`,
    "  @SERIAL@ ; serial",
    "  3600 ; refresh",
    "  600 ; retry",
    "  604800 ; expire",
    "  300 ) ; negative answers",
    ...records,
  ].join("\n")}\n; ${name}\n`;
}
