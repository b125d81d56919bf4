/** Pings addresses before they are offered, a few at a time. */
import type { Ipv4 } from "../../net/ipv4.ts";
import { formatIpv4 } from "../../net/ipv4.ts";
import type { Log } from "../ports.ts";
import type { AddressProbe } from "./dhcp-service.ts";

/** Above this many at once offers go out unprobed: a boot storm must not wait for pings. */
const MAX_RUNNING = 32;

export class AddressProber {
  readonly #probe: AddressProbe | undefined;
  readonly #log: Log;
  readonly #running = new Set<string>();

  constructor(options: { readonly probe: AddressProbe | undefined; readonly log: Log }) {
    this.#probe = options.probe;
    this.#log = options.log;
  }

  /** Whether a ping may start now. */
  get available(): boolean {
    return this.#probe !== undefined && this.#running.size < MAX_RUNNING;
  }

  isRunningFor(client: string): boolean {
    return this.#running.has(client);
  }

  /** Pings for a client; a probe that fails says nothing against the address. */
  async isInUse(client: string, address: Ipv4): Promise<boolean> {
    if (!this.#probe) return false;
    this.#running.add(client);
    try {
      return (await this.#probe.probe(formatIpv4(address))) === "in-use";
    } catch (error) {
      this.#log.warn({ err: error, address: formatIpv4(address) }, "an address could not be probed");
      return false;
    } finally {
      this.#running.delete(client);
    }
  }
}
