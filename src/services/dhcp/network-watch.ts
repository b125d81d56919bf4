/** Turns what DHCP traffic gives away into events, each kind and subject at a limited rate. */
import type { EventInput, EventSink } from "../ports.ts";
import type { ForeignServer, SeenServer } from "./dhcp-service.ts";
import { RecentKeys } from "./recent-keys.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const REMEMBERED = 1_000;
const MAX_SERVERS = 64;
/** A machine that fetches boot files this often within the window is running in circles. */
const LOOP_BOOTS = 10;
const LOOP_WINDOW = 15 * MINUTE;
/** Questions closer together than this belong to one boot. */
const ONE_BOOT = 20_000;

export class NetworkWatch {
  readonly #events: EventSink;
  readonly #alarming: boolean;
  readonly #lastTold = new RecentKeys<number>(REMEMBERED);
  readonly #servers = new Map<string, SeenServer>();
  readonly #boots = new RecentKeys<readonly number[]>(REMEMBERED);

  /** Where this appliance gives out addresses, another server is an alarm; beside one it is a note. */
  constructor(options: { readonly events: EventSink; readonly otherServersAlarm: boolean }) {
    this.#events = options.events;
    this.#alarming = options.otherServersAlarm;
  }

  foreignServers(): readonly SeenServer[] {
    return [...this.#servers.values()];
  }

  /** Another DHCP server answered, or a client chose one. */
  foreignServer(found: ForeignServer, time: { readonly now: number; readonly monotonic: number }): void {
    if (this.#servers.size >= MAX_SERVERS && !this.#servers.has(found.server)) return;
    this.#servers.set(found.server, { ...found, seenAt: time.now });
    this.#tell(`foreign:${found.server}`, HOUR, time.monotonic, {
      type: "rival-dhcp-server",
      source: "dhcp",
      level: this.#alarming ? "alarm" : "info",
      message: `another DHCP server is at ${found.server}`,
      data: { ...found },
    });
  }

  poolExhausted(network: string, monotonic: number): void {
    this.#tell(`exhausted:${network}`, 10 * MINUTE, monotonic, {
      type: "pool-exhausted",
      source: "dhcp",
      level: "alarm",
      message: `no address is free in the pools of ${network}`,
      data: { network },
    });
  }

  addressInUse(address: string, client: string, monotonic: number): void {
    this.#tell(`in-use:${address}`, 10 * MINUTE, monotonic, {
      type: "address-in-use",
      source: "dhcp",
      level: "alarm",
      message: `${address} is in use by something that has no lease for it`,
      data: { address, client },
    });
  }

  clockJumped(milliseconds: number, monotonic: number): void {
    this.#tell("clock", MINUTE, monotonic, {
      type: "clock-jumped",
      source: "dhcp",
      level: "warning",
      message: `the clock was set by ${Math.round(milliseconds / 1000)} s; leases keep the time they had left`,
      data: { milliseconds },
    });
  }

  /** A machine's firmware was told its boot file. */
  firmwareBoot(mac: string, machine: string | undefined, monotonic: number): void {
    const recent = (this.#boots.get(mac) ?? []).filter((at) => monotonic - at < LOOP_WINDOW);
    const last = recent.at(-1);
    if (last !== undefined && monotonic - last < ONE_BOOT) return;
    recent.push(monotonic);
    this.#boots.set(mac, recent.slice(-LOOP_BOOTS - 1));
    if (recent.length <= LOOP_BOOTS) return;
    this.#tell(`loop:${mac}`, LOOP_WINDOW, monotonic, {
      type: "firmware-boot-loop",
      ...(machine === undefined ? {} : { machine }),
      mac,
      source: "dhcp",
      level: "warning",
      message: `asked for its boot file ${recent.length} times within 15 minutes`,
      data: {},
    });
  }

  #tell(subject: string, every: number, monotonic: number, event: EventInput): void {
    const last = this.#lastTold.get(subject);
    if (last !== undefined && monotonic - last < every) return;
    this.#lastTold.set(subject, monotonic);
    this.#events.record(event);
  }
}
