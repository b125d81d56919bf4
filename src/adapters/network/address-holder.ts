/** Who holds an address on the networks of this host: the kernel asks by ARP, its neighbour table tells the answer. */
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { parseMac } from "../../net/mac.ts";
import type { AddressHolder, AddressProbe, VrrpSpeaker } from "../../services/cluster/endpoint-check.ts";
import type { Log } from "../../services/ports.ts";

const run = promisify(execFile);

export interface AddressProbeOptions {
  readonly log: Log;
  /** The interface on which VRRP is listened for. */
  readonly interface: string;
  /** Milliseconds in which an address has to answer. */
  readonly wait?: number;
  /** Milliseconds to listen for VRRP; it is announced once a second unless configured otherwise. */
  readonly listen?: number;
}

/** The discard port: nobody answers there, and the question is only there to make the kernel ask by ARP. */
const DISCARD = 9;
/** States of an entry that was confirmed just now; an older one may be of a machine that is gone. */
const CONFIRMED = new Set(["REACHABLE", "PERMANENT"]);

/** Probes without raw sockets, which Node has not: the neighbour table for ARP, `ping` beyond a router, `tcpdump` for VRRP. */
export function createAddressProbe(options: AddressProbeOptions): AddressProbe {
  const { wait = 1500, listen = 3500 } = options;
  return {
    holderOf: (address) => holderOf(address, wait),
    vrrpSpeakers: () => vrrpSpeakers(options, listen),
  };
}

async function holderOf(address: string, wait: number): Promise<AddressHolder> {
  await run("ip", ["neigh", "flush", "to", address]).catch(() => undefined);
  await poke(address);
  const pinged = answersPing(address, wait);
  for (let waited = 0; waited < wait; waited += 100) {
    const mac = await neighbour(address);
    if (mac !== undefined) return { kind: "held", mac };
    await delay(100);
  }
  return (await pinged) ? { kind: "held" } : { kind: "nobody" };
}

function poke(address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (): void => {
      socket.close();
      resolve();
    };
    socket.once("error", end);
    socket.send(Buffer.alloc(1), DISCARD, address, end);
  });
}

async function neighbour(address: string): Promise<string | undefined> {
  const { stdout } = await run("ip", ["-4", "neigh", "show", "to", address]).catch(() => ({ stdout: "" }));
  return neighbourIn(stdout);
}

/** The MAC in the output of `ip neigh show`, when the neighbour has answered. */
export function neighbourIn(text: string): string | undefined {
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const mac = words[words.indexOf("lladdr") + 1];
    if (words.includes("lladdr") && mac !== undefined && CONFIRMED.has(words.at(-1) ?? ""))
      return parseMac(mac);
  }
  return undefined;
}

async function answersPing(address: string, wait: number): Promise<boolean> {
  const args = ["-n", "-q", "-c", "1", "-W", "1", address];
  return run("ping", args, { timeout: wait, killSignal: "SIGKILL" }).then(
    () => true,
    () => false,
  );
}

async function vrrpSpeakers(
  { log, interface: name }: AddressProbeOptions,
  listen: number,
): Promise<readonly VrrpSpeaker[]> {
  const args = ["-i", name, "-e", "-n", "-l", "-c", "50", "ip proto 112"];
  try {
    const { stdout } = await run("tcpdump", args, { timeout: listen });
    return speakersIn(stdout);
  } catch (error) {
    const { code, stdout = "" } = error as { readonly code?: unknown; readonly stdout?: string };
    if (code === "ENOENT") {
      log.info({ component: "cluster" }, "tcpdump is not installed: other VRRP routers cannot be heard");
    }
    return speakersIn(stdout);
  }
}

/** VRRP announcements in the output of `tcpdump -e -n`. */
export function speakersIn(text: string): readonly VrrpSpeaker[] {
  const speakers = new Map<string, VrrpSpeaker>();
  for (const line of text.split("\n")) {
    const found = /([0-9a-f:]{17}) > .*? (\d+\.\d+\.\d+\.\d+) > [\d.]+: .*\bvrid (\d+)/i.exec(line);
    if (!found) continue;
    const [, mac = "", address = "", id = ""] = found;
    speakers.set(`${address} ${id}`, { routerId: Number(id), address, mac });
  }
  return [...speakers.values()];
}
