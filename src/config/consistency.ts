/** Rules between settings that no single one of them can break. */
import { checkNetwork, networkWarnings } from "../domain/dhcp/network-plan.ts";
import type { Config } from "./schema.ts";

export interface Contradiction {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Every pair of settings that contradict each other. */
export function consistencyFaults(config: Config): readonly Contradiction[] {
  return [...leaseTimes(config), ...samePorts(config), ...networkFaults(config), ...nothingToServe(config)];
}

/** What can be served and will surprise somebody all the same, one sentence each. */
export function cautions({ network }: Config): readonly string[] {
  return networkWarnings(network).map(({ path, message }) => `${path}: ${message}`);
}

function nothingToServe({ network, dhcp }: Config): readonly Contradiction[] {
  if (dhcp.mode !== "server" || network.subnets.length > 0) return [];
  const message =
    "dhcp.mode is server, which needs at least one network with a cidr and a pool or reservations";
  return [{ path: ["network", "subnets"], message }];
}

function networkFaults({ network, dhcp }: Config): readonly Contradiction[] {
  return checkNetwork(network, { reservations: dhcp.reservations, options: dhcp.options }).map(
    ({ path, message }) => ({
      path: path
        .split(/[.[\]]+/)
        .filter((step) => step !== "")
        .map((step) => (/^\d+$/.test(step) ? Number(step) : step)),
      message,
    }),
  );
}

function leaseTimes({ dhcp }: Config): readonly Contradiction[] {
  const faults: Contradiction[] = [];
  if (dhcp.minLeaseSeconds > dhcp.leaseSeconds) {
    const message = `expected at most dhcp.leaseSeconds (${dhcp.leaseSeconds}), found ${dhcp.minLeaseSeconds}`;
    faults.push({ path: ["dhcp", "minLeaseSeconds"], message });
  }
  if (dhcp.maxLeaseSeconds < dhcp.leaseSeconds) {
    const message = `expected at least dhcp.leaseSeconds (${dhcp.leaseSeconds}), found ${dhcp.maxLeaseSeconds}`;
    faults.push({ path: ["dhcp", "maxLeaseSeconds"], message });
  }
  return faults;
}

/** Two listeners of one transport cannot share a port; port 0 means "any free one". */
function samePorts(config: Config): readonly Contradiction[] {
  const udp = [
    { path: ["dhcp", "port"], port: config.dhcp.port, used: config.dhcp.mode !== "off" },
    { path: ["dhcp", "proxyPort"], port: config.dhcp.proxyPort, used: config.dhcp.mode !== "off" },
    { path: ["tftp", "port"], port: config.tftp.port, used: config.tftp.enabled },
    { path: ["syslog", "port"], port: config.syslog.port, used: config.syslog.enabled },
  ];
  const tcp = [
    { path: ["http", "port"], port: config.http.port, used: true },
    { path: ["https", "port"], port: config.https.port, used: true },
  ];
  return [udp, tcp].flatMap((listeners) => {
    const used = listeners.filter((listener) => listener.used && listener.port !== 0);
    return used.flatMap((listener, index) => {
      const other = used.slice(0, index).find((earlier) => earlier.port === listener.port);
      if (!other) return [];
      return [
        { path: listener.path, message: `port ${listener.port} is already taken by ${other.path.join(".")}` },
      ];
    });
  });
}
