/**
 * The installed machine's network: one systemd-networkd unit per NIC, matched by MAC because names change when a
 * card is added or moved, and the same said once more as a NoCloud network-config (version 2).
 */
import type { Mac } from "../../net/mac.ts";
import { macWithHyphens } from "../../net/mac.ts";
import type { InterfaceSpec, MachineSpec } from "../machine-spec.ts";
import type { TextFile } from "./shell.ts";

/** One NIC to configure. Without `address` it asks DHCP. */
export interface Nic {
  readonly mac: Mac;
  readonly address?: string | undefined;
  readonly gateway?: string | undefined;
  readonly dns: readonly string[];
  /** The machine counts as online without it. */
  readonly optional: boolean;
}

/** The network around a machine's own address: what has to be known to configure it without DHCP. */
export interface HomeNetwork {
  /** Length of the network's prefix. */
  readonly prefix: number;
  readonly gateway?: string | undefined;
  readonly dns: readonly string[];
}

type Addressed = Pick<MachineSpec, "mac" | "extraMacs" | "interfaces" | "address" | "cluster">;

/**
 * The NICs of a spec: those it describes, and the boot MACs it does not, by DHCP. A member of a cluster keeps its address
 * on the boot NIC for good, whoever leases addresses there and whether or not the appliance is still around.
 */
export function nicsOf(spec: Addressed, home?: HomeNetwork): readonly Nic[] {
  const described = new Map(spec.interfaces.map((nic) => [nic.mac, fromSpec(nic)]));
  const own = described.get(spec.mac);
  if (home && spec.cluster !== undefined && spec.address !== undefined && own?.address === undefined) {
    const { prefix, gateway, dns } = home;
    const optional = own?.optional ?? false;
    described.set(spec.mac, { mac: spec.mac, address: `${spec.address}/${prefix}`, gateway, dns, optional });
  }
  const boot = [spec.mac, ...spec.extraMacs].filter((mac) => !described.has(mac));
  return [
    ...described.values(),
    ...[...new Set(boot)].map((mac) => ({ mac, dns: [], optional: mac !== spec.mac || described.size > 0 })),
  ];
}

function fromSpec(nic: InterfaceSpec): Nic {
  return {
    mac: nic.mac,
    address: nic.address,
    gateway: nic.gateway,
    dns: nic.dns ?? [],
    optional: nic.optional,
  };
}

/** Units below /etc/systemd/network. The order of `dns` and of the NICs is kept. */
export function networkUnits(nics: readonly Nic[], domain: string | undefined): readonly TextFile[] {
  return nics.map((nic) => ({
    path: `/etc/systemd/network/10-muster-${macWithHyphens(nic.mac)}.network`,
    mode: "0644",
    content: networkUnit(nic, domain),
  }));
}

// Bridges and VLANs inherit the MAC of their NIC: only what is an Ethernet device itself may match.
function networkUnit(nic: Nic, domain: string | undefined): string {
  const network = nic.address
    ? [`Address=${nic.address}`, ...(nic.gateway ? [`Gateway=${nic.gateway}`] : [])]
    : ["DHCP=ipv4"];
  const lines = [
    "[Match]",
    `MACAddress=${nic.mac}`,
    "Type=ether",
    "Kind=!*",
    "",
    "[Link]",
    `RequiredForOnline=${nic.optional ? "no" : "yes"}`,
    "",
    "[Network]",
    ...network,
    ...nic.dns.map((server) => `DNS=${server}`),
    ...(domain ? [`Domains=${domain}`] : []),
    ...(nic.address ? [] : ["", "[DHCPv4]", "ClientIdentifier=mac", "UseDomains=yes"]),
  ];
  return `${lines.join("\n")}\n`;
}

/** The same as NoCloud network-config, version 2. */
export function networkConfig(nics: readonly Nic[], domain: string | undefined): object {
  const ethernets = nics.map((nic) => [
    `nic-${macWithHyphens(nic.mac)}`,
    {
      match: { macaddress: nic.mac },
      ...(nic.address
        ? { addresses: [nic.address], dhcp4: false }
        : { dhcp4: true, "dhcp-identifier": "mac" }),
      ...(nic.gateway ? { routes: [{ to: "0.0.0.0/0", via: nic.gateway }] } : {}),
      ...(nic.dns.length || domain
        ? { nameservers: { addresses: nic.dns, ...(domain ? { search: [domain] } : {}) } }
        : {}),
      ...(nic.optional ? { optional: true } : {}),
    },
  ]);
  return { version: 2, ethernets: Object.fromEntries(ethernets) as object };
}
