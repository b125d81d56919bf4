/** Files of the system below Kubernetes: kernel, time, names, trust, SSH. */
import { hasPasswords } from "../access-spec.ts";
import { membersWith } from "../cluster/members.ts";
import { diskRuleLine } from "../install/disk-criteria.ts";
import type { TextFile } from "../install/shell.ts";
import type { MachineSpec } from "../machine-spec.ts";
import type { NodePlan, NodePlanInput } from "./plan-types.ts";
import { textFile } from "./text-file.ts";

/** In the order in which they are written. */
export function systemFiles(
  input: NodePlanInput,
  { modules, sysctls }: Pick<NodePlan, "modules" | "sysctls">,
): readonly TextFile[] {
  const { member, pki } = input;
  return [
    textFile("/etc/modules-load.d/muster.conf", modules.map((name) => `${name}\n`).join("")),
    textFile(
      "/etc/sysctl.d/99-kubernetes-cri.conf",
      sysctls.map(([name, value]) => `${name} = ${value}\n`).join(""),
    ),
    textFile("/etc/muster/cluster-ca.crt", pki.caCertificate),
    ...time(member.spec),
    ...resolver(input),
    ...trust(input),
    textFile("/etc/ssh/sshd_config.d/50-muster.conf", sshd(member.spec)),
  ];
}

function time({ ntp }: MachineSpec): readonly TextFile[] {
  if (!ntp.length) return [];
  return [textFile("/etc/systemd/timesyncd.conf.d/muster.conf", `[Time]\nNTP=${ntp.join(" ")}\n`)];
}

/** Whether this machine asks the cluster's own name servers. */
export function usesResolver({ cluster }: Pick<NodePlanInput, "cluster">): boolean {
  return cluster.spec.dns.resolver && membersWith(cluster, "dns").length > 0;
}

// A drop-in of systemd-resolved: what a DHCP server says comes second, and a reboot changes nothing.
function resolver(input: NodePlanInput): readonly TextFile[] {
  const { cluster, member } = input;
  if (!usesResolver(input)) return [];
  const servers = membersWith(cluster, "dns").map(({ address }) => address);
  const zone = cluster.spec.dns.zone ?? member.spec.domain;
  const domains = [...(zone ? [zone] : []), "~."];
  return [
    textFile(
      "/etc/systemd/resolved.conf.d/muster.conf",
      `[Resolve]\nDNS=${servers.join(" ")}\nDomains=${domains.join(" ")}\n`,
    ),
  ];
}

/** CAs of registries, for every program that looks into the system's bundle. */
function trust({ cluster, pki }: NodePlanInput): readonly TextFile[] {
  const directory = "/usr/local/share/ca-certificates";
  const named = cluster.spec.runtime.registries.flatMap(({ host, ca }) =>
    ca ? [textFile(`${directory}/muster-${host.replace(/[^a-z0-9.-]/g, "-")}.crt`, ca)] : [],
  );
  const own = membersWith(cluster, "registry").length
    ? [textFile(`${directory}/muster-cluster-${cluster.name}.crt`, pki.caCertificate)]
    : [];
  return [...named, ...own];
}

function sshd({ access }: MachineSpec): string {
  const passwords = hasPasswords(access) ? "yes" : "no";
  return `PermitRootLogin no\nPasswordAuthentication ${passwords}\nX11Forwarding no\n`;
}

/** Rules of the disks kept for storage, one per line: `blank|purpose|` and the rule as the installer's scripts read it. */
export function diskLines({ dataDisks }: MachineSpec): string {
  return (dataDisks ?? [])
    .map(({ disk, purpose, blank }) => `${blank ? 1 : 0}|${purpose}|${diskRuleLine(disk)}\n`)
    .join("");
}
