/** Kernel and initrd over HTTP to 8 and 100 clients, beside nginx with sendfile; both alternate within one run. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** One line of the result table. */
export interface HttpBenchRow {
  readonly what: string;
  readonly ours: number;
  readonly peer: number;
  readonly unit: "MB/s" | "MB per CPU second";
  /** ours divided by peer. */
  readonly ratio: number;
}

export type HttpBench =
  | {
      readonly kind: "measured";
      readonly rows: readonly HttpBenchRow[];
      /** Resident memory of our server after warming up and at its highest, in MB. */
      readonly memory: { readonly warm: number; readonly peak: number };
    }
  | { readonly kind: "skipped"; readonly reason: string };

const CLIENTS = [8, 100] as const;
const ROUNDS = 5;
const SECONDS = 4;
const run = promisify(execFile);

interface Contender {
  readonly port: number;
  readonly pids: () => readonly number[];
}

interface Sample {
  readonly rate: number;
  readonly perCpu: number;
}

/** Measures for about two minutes; needs nginx and wrk. */
export async function benchHttp(): Promise<HttpBench> {
  for (const program of ["nginx", "wrk"]) {
    if (!isInstalled(program))
      return { kind: "skipped", reason: `needs ${program}: install the package ${program}` };
  }
  const directory = mkdtempSync(path.join(tmpdir(), "muster-bench-http-"));
  execFileSync("chmod", ["755", directory]);
  writeFileSync(path.join(directory, "linux"), randomBytes(12_000_000));
  writeFileSync(path.join(directory, "initrd.gz"), randomBytes(40_000_000));
  writeFileSync(path.join(directory, "paths.lua"), SCRIPT);
  const processes: ChildProcess[] = [];
  try {
    const ours = await startOurs(directory, processes);
    const peer = await startNginx(directory, processes);
    return await measure(directory, { ours, peer });
  } finally {
    for (const each of processes) {
      each.kill();
      if (each.exitCode === null) await once(each, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

const SCRIPT = `local files = {"/linux", "/initrd.gz"}
local turn = 0
request = function()
  turn = turn + 1
  return wrk.format("GET", files[turn % 2 + 1])
end
`;

async function measure(
  directory: string,
  { ours, peer }: { readonly ours: Contender; readonly peer: Contender },
): Promise<HttpBench> {
  const rows: HttpBenchRow[] = [];
  const residents: number[] = [];
  await load(directory, ours, 8);
  await load(directory, peer, 8);
  for (const clients of CLIENTS) {
    const samples = { ours: [] as Sample[], peer: [] as Sample[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      samples.ours.push(await load(directory, ours, clients));
      residents.push(resident(ours));
      samples.peer.push(await load(directory, peer, clients));
    }
    rows.push(row(`${clients} clients`, "MB/s", median(samples.ours, "rate"), median(samples.peer, "rate")));
    const perCpu = [median(samples.ours, "perCpu"), median(samples.peer, "perCpu")] as const;
    rows.push(row(`${clients} clients, server's work`, "MB per CPU second", ...perCpu));
  }
  return { kind: "measured", rows, memory: { warm: residents[0] ?? 0, peak: Math.max(...residents) } };
}

function row(what: string, unit: HttpBenchRow["unit"], ours: number, peer: number): HttpBenchRow {
  return {
    what,
    unit,
    ours: Math.round(ours),
    peer: Math.round(peer),
    ratio: Math.round((ours / peer) * 100) / 100,
  };
}

async function load(directory: string, { port, pids }: Contender, clients: number): Promise<Sample> {
  const before = cpuSeconds(pids());
  const { stdout } = await run("wrk", [
    "-t1",
    `-c${clients}`,
    `-d${SECONDS}s`,
    "--timeout",
    "30s",
    "-s",
    path.join(directory, "paths.lua"),
    `http://127.0.0.1:${port}`,
  ]);
  const spent = cpuSeconds(pids()) - before;
  const [, seconds = "1", amount = "0", unit = "MB"] =
    /requests in ([\d.]+)s, ([\d.]+)(MB|GB) read/.exec(stdout) ?? [];
  const megabytes = Number(amount) * (unit === "GB" ? 1024 : 1);
  return { rate: megabytes / Number(seconds), perCpu: megabytes / Math.max(spent, 0.01) };
}

async function startOurs(directory: string, processes: ChildProcess[]): Promise<Contender> {
  const program = path.join(import.meta.dirname, "../support/programs/http-files.ts");
  const child = spawn(process.execPath, [program, directory], { stdio: ["ignore", "pipe", "inherit"] });
  processes.push(child);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { port: Number(line.toString()), pids: () => [child.pid ?? 0] };
}

/** nginx as its own documentation tunes it for files: sendfile, tcp_nopush, one worker per core. */
async function startNginx(directory: string, processes: ChildProcess[]): Promise<Contender> {
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${directory}/tmp;`,
  );
  const config = `daemon off; pid ${directory}/pid; error_log ${directory}/error; worker_processes auto;
events { worker_connections 2048; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; ${temporary.join(" ")}
  server { listen 127.0.0.1:${port}; root ${directory}; } }
`;
  writeFileSync(path.join(directory, "nginx.conf"), config);
  const child = spawn("nginx", ["-c", path.join(directory, "nginx.conf")], { stdio: "ignore" });
  processes.push(child);
  for (let turn = 0; turn < 100; turn += 1) {
    if (await answers(port)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const children = `/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`;
  return { port, pids: () => readFileSync(children, "utf8").trim().split(" ").map(Number) };
}

async function answers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/linux`, { method: "HEAD" });
    return answer.ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** User and system time of processes, seconds (proc(5), in ticks of 10 ms). */
function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) / 100;
}

function resident({ pids }: Contender): number {
  const status = readFileSync(`/proc/${pids()[0] ?? 0}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

function median(samples: readonly Sample[], key: keyof Sample): number {
  const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
