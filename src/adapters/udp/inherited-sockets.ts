/**
 * Sockets that systemd (or another parent) opened and passes on (sd_listen_fds(3)). With `BindToDevice=` one socket for each
 * interface they are the way to serve several directly attached networks, and no right to open low ports is needed.
 */

/** A descriptor and the name its unit gave it (`FileDescriptorName=`). */
export interface InheritedSocket {
  readonly fd: number;
  readonly name: string;
}

/** What a socket is for. `interface` is missing in names without one: `tftp`. */
export interface InheritedPurpose {
  readonly fd: number;
  readonly service: "dhcp" | "proxy" | "tftp" | "syslog";
  readonly interface?: string;
}

const FIRST_FD = 3;
const NAME = /^(dhcp|proxy|tftp|syslog)(?:-([A-Za-z0-9_.@-]{1,15}))?$/;

/** The sockets meant for this process; none when the variables are missing or name another process. */
export function inheritedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly InheritedSocket[] {
  if (environment["LISTEN_PID"] !== String(pid)) return [];
  const count = Number(environment["LISTEN_FDS"] ?? "0");
  if (!Number.isInteger(count) || count < 1 || count > 256) return [];
  const names = (environment["LISTEN_FDNAMES"] ?? "").split(":");
  return Array.from({ length: count }, (_, i) => ({ fd: FIRST_FD + i, name: names[i] ?? "" }));
}

/**
 * Reads the names: `dhcp-eth1` (port 67), `proxy-eth1` (port 4011), `tftp`, `tftp-eth1`, `syslog`.
 * Names of other sockets are left out; they belong to somebody else, the HTTP listeners for example.
 */
export function socketPurposes(sockets: readonly InheritedSocket[]): readonly InheritedPurpose[] {
  return sockets.flatMap(({ fd, name }) => {
    const [, service, iface] = NAME.exec(name) ?? [];
    if (service === undefined) return [];
    const purpose = { fd, service: service as InheritedPurpose["service"] };
    return [iface === undefined ? purpose : { ...purpose, interface: iface }];
  });
}
