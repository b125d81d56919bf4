/** Asks by ICMP whether an address is in use (D-50). Node has no ICMP sockets: the system's `ping` does it. */
import { execFile } from "node:child_process";
import type { AddressProbe } from "../../services/dhcp/dhcp-service.ts";
import type { Log } from "../../services/ports.ts";

export interface PingProbeOptions {
  readonly log: Log;
  /** Milliseconds to wait for an echo. */
  readonly wait?: number;
  /** The program; found in PATH. */
  readonly program?: string;
}

/** One echo request and a short wait; an error of the program counts as free and is logged once. */
export function createPingProbe(options: PingProbeOptions): AddressProbe {
  const { log, wait = 300, program = "ping" } = options;
  let told = false;
  return {
    probe: (address) =>
      new Promise((resolve) => {
        const args = ["-n", "-q", "-c", "1", "-W", "1", address];
        execFile(program, args, { timeout: wait, killSignal: "SIGKILL" }, (error) => {
          if (error && typeof error.code === "string" && !told) {
            told = true;
            log.warn({ err: error }, "ping cannot be run: addresses are offered without a probe");
          }
          resolve(error ? "free" : "in-use");
        });
      }),
  };
}
