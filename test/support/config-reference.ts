/** docs/config.md, written from the schema: names, defaults and descriptions are said there and nowhere else. */
import { CONFIG_PLACES } from "../../src/config/locate.ts";
import { entryOf, type SchemaNode, type Setting, schemaTree, settingsOf } from "../../src/config/settings.ts";

/** The whole document. */
export function configPage(): string {
  const sections = Object.entries(schemaTree().properties ?? {});
  return [INTRODUCTION, ...sections.flatMap(([name, node]) => section(name, node)), ""].join("\n");
}

function section(name: string, node: SchemaNode): readonly string[] {
  const settings = settingsOf(node, [name]);
  return [
    "",
    `## ${name}`,
    "",
    "| setting | type | default | meaning |",
    "|---|---|---|---|",
    ...settings.flatMap((setting) => [
      settingRow(setting),
      ...itemRows(setting.path.join("."), setting.node),
    ]),
  ];
}

function settingRow({ path, node, secret }: Setting): string {
  const meaning = `${node.description ?? ""}${secret ? " (secret)" : ""}`;
  return row(`\`${path.join(".")}\``, node, meaning);
}

/** The fields of a list's items, or of entries under a person's own keys, below the list itself. */
function itemRows(path: string, node: SchemaNode): readonly string[] {
  const entry = entryOf(node) ?? node.items;
  if (entry?.properties === undefined) return [];
  return Object.entries(entry.properties).flatMap(([key, child]) => {
    const name = entry === node.items ? `${path}[].${key}` : `${path}.<name>.${key}`;
    const required = entry.required?.includes(key) === true;
    return [row(`\`${name}\``, child, child.description ?? "", required), ...itemRows(name, child)];
  });
}

function row(name: string, node: SchemaNode, meaning: string, required = false): string {
  const fallback =
    node.default === undefined ? (required ? "required" : "") : `\`${JSON.stringify(node.default)}\``;
  return `| ${name} | ${typeOf(node)} | ${fallback} | ${meaning.replaceAll("|", "\\|")} |`;
}

function typeOf(node: SchemaNode): string {
  if (node.enum) return node.enum.map(String).join(", ");
  if (node.anyOf) return node.anyOf.map(typeOf).join(" or ");
  if (node.type === "array")
    return `list of ${node.items?.properties ? "entries" : typeOf(node.items ?? {})}`;
  const names: Readonly<Record<string, string>> = {
    object: "entries by name",
    string: "text",
    integer: "whole number",
    boolean: "true, false",
  };
  const name = names[node.type ?? ""] ?? node.type ?? "anything";
  const lowest = node.minimum ?? node.exclusiveMinimum;
  const highest =
    node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER ? node.maximum : undefined;
  if (lowest !== undefined && highest !== undefined) return `${name}, ${lowest} to ${highest}`;
  if (node.exclusiveMinimum !== undefined) return `${name} above ${node.exclusiveMinimum}`;
  return name;
}

const INTRODUCTION = `# Configuration

Generated from \`src/config/schema.ts\` by \`node test/support/write-docs.ts\`.

Nothing has to be configured: without any file the appliance serves proxyDHCP on the only suitable interface and answers only
machines that were registered. A value is taken from the first of these that has one:

1. flags of \`muster serve\`: \`--mode\`, \`--interface\`, \`--address\`, \`--data-dir\`, \`--log-level\`, or \`--set dhcp.leaseSeconds=600\` for
   any setting;
2. environment: \`MUSTER_\` and the setting's name in capitals, words joined by underscores: \`dhcp.proxyPort\` is
   \`MUSTER_DHCP_PROXY_PORT\`. Lists are written with commas (\`MUSTER_DHCP_DENY=52:54:00:00:00:01,52:54:00:00:00:02\`) or as YAML.
   Secrets are also read from the file that the same name with \`_FILE\` names. Empty variables count as unset;
3. the file named by \`--config\` or \`MUSTER_CONFIG\`, else the first that exists of ${CONFIG_PLACES.map((place) => `\`${place}\``).join(" and ")};
4. the default.

\`muster config check\` names every fault at once, with file, line and column, what was expected, and what was probably meant; the exit
code is 78. Unknown keys are faults. \`muster config show\` prints the effective configuration with secrets masked, \`--origins\` says
where each value comes from. A relative \`dataDir\` is relative to the file that names it, otherwise to the working directory.

The smallest useful file, for a lab network in which Muster is the DHCP server:

\`\`\`yaml
network:
  interface: eth1
  subnets:
    - cidr: 10.20.0.0/24
      router: 10.20.0.1
      dns: [10.20.0.1]
      pools: [{ from: 10.20.0.100, to: 10.20.0.199 }]
dhcp:
  mode: server
\`\`\``;
