/**
 * DHCP as the appliance serves it, for interop tests and benchmarks:
 * `dhcp-appliance.ts '{"address": "10.80.0.1", "database": "/…/muster.db", "config": {…}, "machines": [{…}]}'`.
 * Prints a line of JSON when it listens; answers `counters`, `leases`, `servers`,
 * `why MAC` and `search MAC` on standard input with one line each.
 */
import { createInterface } from "node:readline";
import { probeDhcpServers } from "../../../src/adapters/dhcp/dhcp-probe.ts";
import { DhcpServer, type InheritedDhcpSocket } from "../../../src/adapters/dhcp/dhcp-server.ts";
import { createPingProbe } from "../../../src/adapters/network/ping-probe.ts";
import { openSqliteStore } from "../../../src/adapters/store/sqlite-store.ts";
import { inheritedSockets, socketPurposes } from "../../../src/adapters/udp/inherited-sockets.ts";
import { type ConfigInput, configSchema } from "../../../src/config/schema.ts";
import type { MachineSpecInput } from "../../../src/domain/machine-spec.ts";
import { parseMac } from "../../../src/net/mac.ts";
import { createDhcpService } from "../../../src/services/dhcp/answer-dhcp.ts";
import type { EventInput } from "../../../src/services/ports.ts";
import { KeptLog } from "../kept-log.ts";
import { aMachine } from "../machines.ts";

interface Settings {
  readonly address: string;
  readonly database: string;
  readonly config: ConfigInput;
  readonly machines?: readonly { readonly name: string; readonly spec: Partial<MachineSpecInput> }[];
  /** Address of each interface that comes with a socket of its own. */
  readonly interfaces?: Readonly<Record<string, string>>;
  /** Profile of the whole run is left to the caller; this only silences the events. */
  readonly quiet?: boolean;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as Settings;
const config = configSchema.parse(settings.config);
const machines = (settings.machines ?? []).map((each) => aMachine(each));
const byMac = new Map(machines.map((machine) => [machine.spec.mac as string, machine]));
const store = openSqliteStore({ file: settings.database });
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const log = new KeptLog();
const say = (what: object): void => console.log(JSON.stringify(what));
const record = (event: EventInput): void => (settings.quiet === true ? undefined : say({ event }));
const service = createDhcpService({
  machines: {
    byMac: (mac) => byMac.get(mac),
    list: () => machines,
    subscribe: () => () => undefined,
    noteSighting: () => undefined,
  },
  leases: store.leases,
  events: { record },
  clock,
  log,
  config,
  ...(config.dhcp.probe === "ping" ? { probe: createPingProbe({ log }) } : {}),
});
const inherited = socketPurposes(inheritedSockets(process.env, process.pid)).flatMap(
  (socket): InheritedDhcpSocket[] => {
    const interfaceAddress = settings.interfaces?.[socket.interface ?? ""];
    if (interfaceAddress === undefined) return [];
    return [
      { fd: socket.fd, listener: socket.service === "proxy" ? "boot-server" : "server", interfaceAddress },
    ];
  },
);
const server = new DhcpServer({
  service,
  config: config.dhcp,
  interfaceAddress: settings.address,
  inherited,
  clock,
  log,
});
await service.start(new AbortController().signal);
await server.start();
say({ ...server.status(), pid: process.pid });

const search = async (text: string): Promise<void> => {
  const mac = parseMac(text);
  const expectProbe = (xid: number): void => service.expectProbe(xid);
  if (mac) say({ search: await probeDhcpServers({ interfaceAddress: settings.address, mac, expectProbe }) });
};
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line === "counters") say({ counters: service.counters(), dropped: server.dropped });
  if (line === "leases") say({ leases: service.leases() });
  if (line === "servers") say({ servers: service.foreignServers() });
  if (line.startsWith("search ")) void search(line.slice(7));
  if (line.startsWith("why ")) say({ decisions: service.decisionsFor(line.slice(4)) });
});
process.once("SIGTERM", () => {
  void server
    .stop()
    .then(() => service.stop())
    .then(() => store.close())
    .then(() => process.exit(0));
});
