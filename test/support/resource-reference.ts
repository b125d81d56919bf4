/** docs/resources.md, written from the schemas of the documents: fields, defaults and descriptions are said there. */
import { z } from "zod";
import { clusterSpecSchema } from "../../src/domain/cluster/cluster-spec.ts";
import { profileSpecSchema } from "../../src/domain/cluster/profile-spec.ts";
import { machineSpecSchema } from "../../src/domain/machine-spec.ts";

/** The part of JSON Schema that the documents' schemas come out as. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly (string | number)[];
  readonly const?: string | number;
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly prefixItems?: readonly Node[];
}

/** One field of a document. */
export interface Field {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
}

const KINDS = [
  { kind: "Cluster", schema: clusterSpecSchema },
  { kind: "Profile", schema: profileSpecSchema.pick({ selector: true }) },
  { kind: "Machine", schema: machineSpecSchema },
] as const;

/** Every field of every kind, in the schemas' order. */
export function resourceFields(): ReadonlyMap<string, readonly Field[]> {
  return new Map(
    KINDS.map(({ kind, schema }) => {
      const node = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node;
      return [kind, fieldsBelow(node, "")];
    }),
  );
}

/** The whole document. */
export function resourcesPage(): string {
  const chapters = [...resourceFields()].flatMap(([kind, fields]) => [
    "",
    `## ${kind}`,
    "",
    INTRODUCTIONS[kind] ?? "",
    "",
    "| field | type | default | meaning |",
    "|---|---|---|---|",
    ...fields.map(
      ({ path, type, fallback, meaning }) =>
        `| \`${path}\` | ${type} | ${fallback} | ${meaning.replaceAll("|", "\\|")} |`,
    ),
  ]);
  return [INTRODUCTION, ...chapters, ""].join("\n");
}

function fieldsBelow(node: Node, path: string): readonly Field[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const name = path === "" ? key : `${path}.${key}`;
    return fieldsOf(name, child, node.required?.includes(key) === true);
  });
}

function fieldsOf(name: string, node: Node, required: boolean): readonly Field[] {
  const section = node.properties ? node : undefined;
  if (section) {
    const own = node.description === undefined ? [] : [fieldOf(name, node, required)];
    return [...own, ...fieldsBelow(section, name)];
  }
  const item = node.items ?? node.prefixItems?.[0];
  const inside = [...(node.anyOf ?? []), ...(item?.anyOf ?? []), ...(item ? [item] : [])].find(
    (each) => each.properties,
  );
  return [fieldOf(name, node, required), ...(inside ? fieldsBelow(inside, item ? `${name}[]` : name) : [])];
}

function fieldOf(path: string, node: Node, required: boolean): Field {
  const empty = JSON.stringify(node.default) === "{}";
  const fallback =
    node.default === undefined || empty
      ? required
        ? "required"
        : ""
      : `\`${JSON.stringify(node.default)}\``;
  return { path, type: typeOf(node), fallback, meaning: node.description ?? "" };
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  boolean: "true, false",
  object: "section",
};

function typeOf(node: Node): string {
  if (node.enum) return node.enum.map((each) => (each === "" ? '""' : String(each))).join(", ");
  if (node.const !== undefined) return String(node.const);
  if (node.anyOf) return [...new Set(node.anyOf.map(typeOf))].join(" or ");
  if (node.type === "array") return `list of ${listed(node.items ?? node.prefixItems?.[0] ?? {})}`;
  if (node.type === "object" && !node.properties) {
    const { additionalProperties: values } = node;
    return typeof values === "object" && values.type ? `name to ${typeOf(values)}` : "keys and values";
  }
  return TYPES[node.type ?? ""] ?? node.type ?? "anything";
}

function listed(item: Node): string {
  return item.properties ? "entries" : typeOf(item);
}

const INTRODUCTIONS: Readonly<Record<string, string>> = {
  Cluster: "A Kubernetes cluster: what it is made of, and what every machine in it inherits.",
  Profile: `Settings that machines share. A profile takes every field of a machine but its own (\`mac\`, \`extraMacs\`, \`address\`,
\`cluster\`, \`profile\`), and this one:`,
  Machine: "One machine, and everything about its installation.",
};

const INTRODUCTION = `# Resources

Generated from the schemas in \`src/domain\` by \`node test/support/write-docs.ts\`.

A rack is described by documents in YAML files, several to a file if you like, separated by \`---\`:

\`\`\`yaml
apiVersion: muster/v1
kind: Cluster            # or Profile, or Machine
metadata: { name: lab }
spec:
  endpoint: { address: 10.20.0.9 }
\`\`\`

\`\`\`
muster plan -f rack.yaml       # what would change, and what each machine would boot, install, wipe and join
muster apply -f rack.yaml      # the same, done: all of it or nothing
muster get clusters            # what there is; also profiles, machines, describe cluster NAME
muster delete cluster lab      # the document, and machines that only it describes
\`\`\`

Applying the same documents again changes nothing, so a file under version control can be applied as often as you like. Documents that
are not in the file stay as they are. Whatever is wrong is told with file, line and column, all of it at once, and then nothing was
changed: unknown keys, networks that overlap, a VIP in a DHCP pool, an even etcd, versions that do not fit.

**What a plan shows.** Each document with the fields that change; each machine that changes with its next boot, installation, wipe and membership, as
\`now → then\` where they differ; and for members of a cluster what else they are given or lose: files, packages, programs, images, kernel settings. A
running member takes over names, balancer, firewall and zones by itself (docs/node.md), the rest with its next installation.

**What machines inherit.** A machine's spec is its cluster's \`defaults\`, then its profile, then what it says itself; later ones win.
Sections are merged key by key, lists and single values are replaced, and \`null\` takes back what was inherited. The profile is the one
the machine names, else its cluster's \`profile\`. Profiles with a \`selector\` apply to every machine that fits, below the profile that
the machine names itself.

**Groups.** A cluster's \`machines\` are machines written together: \`names: site-k8s-m-##\` counts site-k8s-m-01, site-k8s-m-02 and so on,
one for each MAC; \`addresses: 10.0.0.151\` counts from there, \`10.0.0.151-10.0.0.153\` also says where to stop. A further MAC at the end
is a further machine. A MAC that is taken out is a machine forgotten, which is refused while that machine is in use.

**Addresses.** Members of a cluster find each other at addresses that stay, so each needs an \`address\` (or a static one in
\`interfaces\`). It is configured on the machine itself at installation, with prefix, gateway and name servers from the cluster's
\`network.nodes\` or from the networks in \`muster.yaml\`: it holds beside another DHCP server, and without the appliance. Where another DHCP
server leases addresses, keep these out of its pools.

**What stays.** A machine that is installed keeps its system whatever its document says; changes to its installation count from the next
reimage. A retired machine stays retired. What is changed over the API at a machine that a document describes lasts until the next apply,
of whatever documents: the plan shows it going. Once a cluster has begun, what is written into its certificates and nodes (endpoint,
networks, etcd's place, the Kubernetes version) cannot be changed by applying.`;
