/** TFTP to 1 and 100 clients with 1468-byte blocks, window 1 beside dnsmasq and window 16 beside atftpd; atftp is the client. */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
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

const APPLIANCE = new URL("../support/programs/tftp-appliance.ts", import.meta.url).pathname;
const SIZES = new Map([
  [1, 32_000_000],
  [100, 4_000_000],
]);
const ROUNDS = 3;

interface Sample {
  /** Megabytes for each second of the wall clock and of the server's processor time. */
  readonly rate: number;
  readonly perCpu: number;
}

interface Contest {
  readonly peer: string;
  readonly window: number;
  readonly start: (bed: UdpBed) => Promise<Daemon>;
}

const CONTESTS: readonly Contest[] = [
  { peer: "dnsmasq", window: 1, start: startDnsmasq },
  { peer: "atftpd", window: 16, start: startAtftpd },
];

/** Measures for about a minute and a half; needs root, atftp, atftpd and dnsmasq. */
export async function benchTftp(): Promise<Bench> {
  const reason = missingFor("atftp", "atftpd", "dnsmasq", "nsenter");
  if (reason !== undefined) return { kind: "skipped", what: "TFTP", reason };
  const rows: BenchRow[] = [];
  for (const contest of CONTESTS) {
    for (const [clients, size] of SIZES) {
      const ours: Sample[] = [];
      const theirs: Sample[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(await measure(startOurs, { clients, size, window: contest.window }));
        theirs.push(await measure(contest.start, { clients, size, window: contest.window }));
      }
      const what = `TFTP, window ${contest.window}, ${clients} ${clients === 1 ? "client" : "clients"}`;
      const { peer } = contest;
      rows.push(
        row({ what, unit: "MB/s", ours: median(ours, "rate"), peer, theirs: median(theirs, "rate") }),
      );
      rows.push(
        row({
          what: `${what}, server's work`,
          unit: "MB per CPU second",
          ours: median(ours, "perCpu"),
          peer,
          theirs: median(theirs, "perCpu"),
        }),
      );
    }
  }
  return { kind: "measured", rows };
}

async function measure(
  start: (bed: UdpBed) => Promise<Daemon>,
  load: { readonly clients: number; readonly size: number; readonly window: number },
): Promise<Sample> {
  return withUdpBed(async (bed) => {
    await mkdir(join(bed.directory, "root"));
    await chmod(bed.directory, 0o755);
    await writeFile(join(bed.directory, "root/warm"), randomBytes(2_000_000), { mode: 0o644 });
    await writeFile(join(bed.directory, "root/file"), randomBytes(load.size), { mode: 0o644 });
    const server = await start(bed);
    await fetchAll(bed, { clients: 4, window: load.window, path: "warm" });
    const cpu = cpuSeconds(server);
    const began = performance.now();
    await fetchAll(bed, { ...load, path: "file" });
    const seconds = (performance.now() - began) / 1000;
    const used = cpuSeconds(server) - cpu;
    await server.stop();
    const megabytes = (load.clients * load.size) / 1e6;
    return { rate: megabytes / seconds, perCpu: megabytes / Math.max(used, 0.01) };
  });
}

async function fetchAll(
  bed: UdpBed,
  load: { readonly clients: number; readonly window: number; readonly path: string },
): Promise<void> {
  const options = `--option "blksize 1468" --option "windowsize ${load.window}"`;
  const one = `atftp ${options} -g -r ${load.path} -l /dev/null ${SERVER} >/dev/null 2>&1`;
  const script = `for i in $(seq ${load.clients}); do ( ${one} || echo failed ) & done; wait`;
  const [program, args] = bed.pinned("sh", ["-c", script]);
  const { stdout } = await bed.load.run(program, args, { timeout: 60_000 });
  if (stdout.includes("failed")) throw new Error("a TFTP transfer failed: the rate would say nothing");
}

function median(samples: readonly Sample[], key: keyof Sample): number {
  const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function startOurs(bed: UdpBed): Promise<Daemon> {
  const directory = join(bed.directory, "root");
  const settings = { directory, address: SERVER, quiet: true, tftp: { maxTransfersPerClient: 1000 } };
  const server = bed.serve(process.execPath, [APPLIANCE, JSON.stringify(settings)]);
  await server.waitFor(/"listening"/);
  return server;
}

async function startDnsmasq(bed: UdpBed): Promise<Daemon> {
  const tftp = [
    "--enable-tftp",
    `--tftp-root=${join(bed.directory, "root")}`,
    "--tftp-max=1000",
    "--quiet-tftp",
  ];
  const common = ["-k", "--user=root", "--conf-file=/dev/null", "--port=0", "--log-facility=-"];
  const server = bed.serve("dnsmasq", [...common, ...tftp, `--pid-file=${join(bed.directory, "pid")}`]);
  await server.waitFor(/TFTP root is/);
  return server;
}

async function startAtftpd(bed: UdpBed): Promise<Daemon> {
  const options = [
    "--user",
    "root.root",
    "--group",
    "root",
    "--maxthread",
    "1000",
    "--verbose=1",
    "--logfile",
    "-",
  ];
  const server = bed.serve("atftpd", ["--daemon", "--no-fork", ...options, join(bed.directory, "root")]);
  await delay(500);
  return server;
}
