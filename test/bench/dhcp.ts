/**
 * DHCP four-way exchanges a second at no more than 1 % drops, with perfdhcp as load, beside Kea with its lease file (which does not
 * sync) and dnsmasq. Every one of our leases is on disk before its ACK leaves.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Daemon } from "../support/netns.ts";
import {
  type Bench,
  type BenchRow,
  cpuSeconds,
  missingFor,
  row,
  SERVER,
  type UdpBed,
  withUdpBed,
} from "./udp-bed.ts";

const POOL = { from: "10.90.1.0", to: "10.90.240.0" };
const APPLIANCE = new URL("../support/programs/dhcp-appliance.ts", import.meta.url).pathname;
/** Offered rates; the search goes through them by halves. */
const RATES = [
  100, 200, 300, 400, 600, 800, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000,
  11_000, 12_000, 13_000, 14_000, 15_000, 16_000, 17_000, 18_000, 19_000, 20_000, 21_000, 22_000, 23_000,
  24_000, 26_000, 28_000, 30_000,
] as const;
const POPULATIONS = [100, 50_000] as const;
const SECONDS = 3;
const MAX_DROPS = 1;

type Start = (bed: UdpBed) => Promise<Daemon>;

interface Measured {
  /** Highest offered rate with few enough drops. */
  readonly rate: number;
  /** Exchanges for each second of processor time at that rate. */
  readonly perCpu: number;
}

const CONTENDERS: Readonly<Record<string, Start>> = { ours: startOurs, Kea: startKea, dnsmasq: startDnsmasq };

/** Measures for about three minutes; needs root, perfdhcp, Kea and dnsmasq. */
export async function benchDhcp(): Promise<Bench> {
  const reason = missingFor("perfdhcp", "kea-dhcp4", "dnsmasq", "nsenter");
  if (reason !== undefined) return { kind: "skipped", what: "DHCP", reason };
  const results = new Map<string, Measured>();
  for (const [name, start] of Object.entries(CONTENDERS)) {
    await withUdpBed(async (bed) => {
      const server = await start(bed);
      await exchange(bed, server, { rate: 3000, clients: 100 });
      for (const clients of POPULATIONS)
        results.set(`${name} ${clients}`, await capacity(bed, server, clients));
      await server.stop();
    });
  }
  return { kind: "measured", rows: table(results) };
}

function table(results: ReadonlyMap<string, Measured>): readonly BenchRow[] {
  const of = (name: string, clients: number): Measured =>
    results.get(`${name} ${clients}`) ?? { rate: 0, perCpu: 0 };
  const rows = POPULATIONS.flatMap((clients) =>
    ["Kea", "dnsmasq"].flatMap((peer) => [
      row({
        what: `DHCP, ${clients} clients`,
        unit: "exchanges/s",
        ours: of("ours", clients).rate,
        peer,
        theirs: of(peer, clients).rate,
      }),
      row({
        what: `DHCP, ${clients} clients, server's work`,
        unit: "exchanges per CPU second",
        ours: of("ours", clients).perCpu,
        peer,
        theirs: of(peer, clients).perCpu,
      }),
    ]),
  );
  const [few, many] = POPULATIONS;
  const flat = { ours: of("ours", many).rate, theirs: of("ours", few).rate };
  return [
    ...rows,
    row({ what: "DHCP, 50,000 clients beside 100", unit: "exchanges/s", peer: "ours", ...flat }),
  ];
}

/** Halves the list of rates; a rate that fails gets a second chance, because other work disturbs single runs. */
async function capacity(bed: UdpBed, server: Daemon, clients: number): Promise<Measured> {
  let best: Measured = { rate: 0, perCpu: 0 };
  let low = 0;
  let high = RATES.length - 1;
  while (low <= high) {
    const middle = Math.ceil((low + high) / 2);
    const rate = RATES[middle] ?? 0;
    const passed =
      (await exchange(bed, server, { rate, clients })) ?? (await exchange(bed, server, { rate, clients }));
    if (passed !== undefined) best = { rate, perCpu: passed };
    if (passed === undefined) high = middle - 1;
    else low = middle + 1;
  }
  return best;
}

/** Exchanges for each second of processor time, or undefined when too many were dropped. */
async function exchange(
  bed: UdpBed,
  server: Daemon,
  load: { readonly rate: number; readonly clients: number },
): Promise<number | undefined> {
  const seed = String(Math.floor(Math.random() * 1_000_000));
  const timing = ["-r", String(load.rate), "-R", String(load.clients), "-p", String(SECONDS), "-W", "500000"];
  const [program, args] = bed.pinned("perfdhcp", [
    "-4",
    "-g",
    "single",
    "-l",
    "10.90.0.2",
    ...timing,
    "-s",
    seed,
    SERVER,
  ]);
  const before = cpuSeconds(server);
  const { stdout } = await bed.load.run(program, args, { timeout: 30_000 });
  const used = cpuSeconds(server) - before;
  const drops = [...stdout.matchAll(/^drops ratio: ([\d.]+) %/gm)].map(([, share]) => Number(share));
  const completed = Number([...stdout.matchAll(/^received packets: (\d+)/gm)].at(-1)?.[1] ?? 0);
  if (drops.length !== 2 || drops.some((share) => share > MAX_DROPS)) return undefined;
  // A load generator that does not keep up says nothing about the server.
  if (completed < 0.9 * load.rate * SECONDS) return undefined;
  return completed / Math.max(used, 0.01);
}

async function startOurs(bed: UdpBed): Promise<Daemon> {
  const subnets = [{ cidr: "10.90.0.0/16", pools: [POOL] }];
  const dhcp = { mode: "server", unknown: "discover", clientRate: 100_000, maxHolds: 100_000 };
  const config = { network: { address: SERVER, subnets }, dhcp };
  const settings = { address: SERVER, quiet: true, database: join(bed.directory, "muster.db"), config };
  const server = bed.serve(process.execPath, [APPLIANCE, JSON.stringify(settings)]);
  await server.waitFor(/"listening"/);
  return server;
}

async function startKea(bed: UdpBed): Promise<Daemon> {
  const configuration = {
    Dhcp4: {
      "interfaces-config": { interfaces: ["eth0"], "dhcp-socket-type": "udp" },
      "lease-database": {
        type: "memfile",
        persist: true,
        name: join(bed.directory, "kea-leases.csv"),
        "lfc-interval": 0,
      },
      "valid-lifetime": 3600,
      subnet4: [{ id: 1, subnet: "10.90.0.0/16", pools: [{ pool: `${POOL.from}-${POOL.to}` }] }],
      loggers: [{ name: "kea-dhcp4", severity: "WARN", output_options: [{ output: "stderr" }] }],
    },
  };
  const file = join(bed.directory, "kea.json");
  await mkdir(join(bed.directory, "run"));
  await writeFile(file, JSON.stringify(configuration));
  const environment = { KEA_LOCKFILE_DIR: "none", KEA_PIDFILE_DIR: join(bed.directory, "run") };
  const server = bed.serve("kea-dhcp4", ["-c", file], environment);
  await delay(2000);
  return server;
}

async function startDnsmasq(bed: UdpBed): Promise<Daemon> {
  const files = [
    `--dhcp-leasefile=${join(bed.directory, "leases")}`,
    `--pid-file=${join(bed.directory, "pid")}`,
  ];
  const range = `--dhcp-range=${POOL.from},${POOL.to},255.255.0.0,1h`;
  const dhcp = [range, "--no-ping", "--dhcp-lease-max=100000", "--dhcp-authoritative", "--quiet-dhcp"];
  const common = [
    "-k",
    "--user=root",
    "--conf-file=/dev/null",
    "--port=0",
    "--interface=eth0",
    "--log-facility=-",
  ];
  const server = bed.serve("dnsmasq", [...common, ...dhcp, ...files]);
  await server.waitFor(/DHCP, IP range/);
  return server;
}
