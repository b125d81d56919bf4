/** Where images come from: the appliance for all registries, the cluster's own ones directly, each with its CA. */
import { type ClusterMember, membersWith } from "../cluster/members.ts";
import type { TextFile } from "../install/shell.ts";
import type { NodePlanInput } from "./plan-types.ts";
import { textFile } from "./text-file.ts";

const DIRECTORY = "/etc/containerd/certs.d";
/** What the machine was enrolled with; the appliance serves images to nobody else. */
const CLIENT = '[["/var/lib/muster/node.crt", "/var/lib/muster/node.key"]]';

/** hosts.toml files; containerd reads them at every pull. */
export function registryTrust(input: NodePlanInput): readonly TextFile[] {
  const { cluster } = input;
  const named = cluster.spec.runtime.registries.flatMap(({ host, mirror, ca }) => {
    const authority = `${DIRECTORY}/${host}/ca.crt`;
    return [
      ...(ca ? [textFile(authority, ca)] : []),
      textFile(
        `${DIRECTORY}/${host}/hosts.toml`,
        directHost({ host, mirror, authority: ca ? authority : undefined }),
      ),
    ];
  });
  const own = membersWith(cluster, "registry").flatMap((member) => {
    const host = registryHost(input, member);
    const authority = `${DIRECTORY}/${host}/ca.crt`;
    return [
      textFile(authority, input.pki.caCertificate),
      textFile(`${DIRECTORY}/${host}/hosts.toml`, directHost({ host, mirror: undefined, authority })),
    ];
  });
  return [textFile(`${DIRECTORY}/_default/hosts.toml`, throughAppliance(input)), ...named, ...own];
}

/** The name by which clients reach a registry that this member runs; its certificate holds it. */
export function registryName({ cluster }: Pick<NodePlanInput, "cluster">, member: ClusterMember): string {
  const full = member.spec.domain ? `${member.name}.${member.spec.domain}` : member.name;
  return cluster.spec.registry.name ?? full;
}

/** The host under which images of the cluster's own registry are known: its port is part of it unless it is 443. */
export function registryHost(input: Pick<NodePlanInput, "cluster">, member: ClusterMember): string {
  const { port } = input.cluster.spec.registry;
  const name = registryName(input, member);
  return port === 443 ? name : `${name}:${port}`;
}

// With a `server` containerd asks nobody else; without one the registry that the image names comes after the appliance.
function throughAppliance({ cluster, appliance }: NodePlanInput): string {
  const url = `https://${appliance.address}:${appliance.httpsPort}`;
  const access = ['capabilities = ["pull", "resolve"]', 'ca = "/etc/muster/ca.pem"', `client = ${CLIENT}`];
  if (!cluster.spec.images.fallback) return `server = "${url}"\n${access.join("\n")}\n`;
  return `[host."${url}"]\n${access.join("\n")}\n`;
}

interface DirectHost {
  readonly host: string;
  readonly mirror: string | undefined;
  readonly authority: string | undefined;
}

function directHost({ host, mirror, authority }: DirectHost): string {
  const access = [
    'capabilities = ["pull", "resolve", "push"]',
    ...(authority ? [`ca = "${authority}"`] : []),
  ].join("\n");
  if (mirror === undefined) return `server = "https://${host}"\n${access}\n`;
  return `server = "https://${host}"\n\n[host."${mirror}"]\n${access}\n`;
}
