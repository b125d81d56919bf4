/** Sockets that systemd opened for this process, adopted and sorted by what they are for. */
import type { InheritedDhcpSocket } from "../adapters/dhcp/dhcp-server.ts";
import type { AttachedNetwork } from "../adapters/network/interfaces.ts";
import type { TftpListener } from "../adapters/tftp/tftp-server.ts";
import { boundDevice } from "../adapters/udp/bound-device.ts";
import {
  type InheritedPurpose,
  inheritedSockets,
  socketPurposes,
} from "../adapters/udp/inherited-sockets.ts";
import { adoptUdpSocket } from "../adapters/udp/udp-socket.ts";
import { ConfigError } from "../domain/errors.ts";

export interface InheritedParts {
  readonly dhcp: readonly InheritedDhcpSocket[];
  readonly tftp: readonly TftpListener[];
  /** Descriptor of the installer log's socket. */
  readonly syslog: number | undefined;
  /** Interfaces that have a DHCP socket of their own. */
  readonly interfaces: readonly string[];
}

/**
 * Adopts what the environment names; empty lists outside of systemd.
 * @throws ConfigError for an interface without an address, and for a DHCP socket that is not bound to the interface of its name.
 */
export async function adoptInherited(options: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly attached: readonly AttachedNetwork[];
}): Promise<InheritedParts> {
  const purposes = socketPurposes(inheritedSockets(options.environment, options.pid));
  const of = (service: InheritedPurpose["service"]): readonly InheritedPurpose[] =>
    purposes.filter((purpose) => purpose.service === service);
  const addressOf = (purpose: InheritedPurpose): string => interfaceAddress(purpose, options.attached);
  await Promise.all([...of("dhcp"), ...of("proxy")].map(refuseUnbound));
  const dhcp = (["dhcp", "proxy"] as const).flatMap((service) =>
    of(service).map((purpose) => ({
      fd: purpose.fd,
      listener: service === "dhcp" ? ("server" as const) : ("boot-server" as const),
      interfaceAddress: addressOf(purpose),
    })),
  );
  const tftp = await Promise.all(
    of("tftp").map(async (purpose) => ({
      socket: await adoptUdpSocket(purpose.fd),
      address: addressOf(purpose),
    })),
  );
  const interfaces = of("dhcp").flatMap((purpose) => purpose.interface ?? []);
  return { dhcp, tftp, syslog: of("syslog")[0]?.fd, interfaces };
}

function interfaceAddress(purpose: InheritedPurpose, attached: readonly AttachedNetwork[]): string {
  const found = attached.find(
    (network) => purpose.interface === undefined || network.interface === purpose.interface,
  );
  if (found) return found.address;
  throw new ConfigError(
    `systemd passed a socket for ${purpose.interface ?? "the boot network"}, which has no IPv4 address: give it one before muster starts`,
  );
}

/** Without its device a socket hears every network, and its broadcasts leave by whichever the routes name: machines would wait in vain. */
async function refuseUnbound({ fd, service, interface: wanted }: InheritedPurpose): Promise<void> {
  if (wanted === undefined) return;
  const found = await boundDevice(fd);
  if (found.kind === "unknown" || (found.kind === "bound" && found.device === wanted)) return;
  const instead = found.kind === "bound" ? `bound to ${found.device}` : "not bound to that interface";
  throw new ConfigError(
    `the socket ${service}-${wanted} that systemd passed is ${instead}: set BindToDevice=${wanted} in its .socket unit`,
  );
}
