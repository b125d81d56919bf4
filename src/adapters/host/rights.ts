/** Whether this process may open ports below 1024. */
import { readFile } from "node:fs/promises";
import type { Check } from "./check.ts";
import { RIGHTS_ADVICE } from "./port-check.ts";

/** Bit of CAP_NET_BIND_SERVICE in the capability masks (capability.h). */
const NET_BIND_SERVICE = 1n << 10n;

/** Capabilities as the kernel shows them in `/proc/self/status`; and the host's lowest unprivileged port. */
export async function checkRights(): Promise<readonly Check[]> {
  const name = "low ports";
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (process.getuid?.() === 0) return [{ name, state: "ok", message: "this process is root" }];
  if (mask !== undefined && (BigInt(`0x${mask}`) & NET_BIND_SERVICE) !== 0n) {
    return [{ name, state: "ok", message: "this process holds CAP_NET_BIND_SERVICE" }];
  }
  const lowest = Number(
    await readFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8").catch(() => "1024"),
  );
  if (lowest <= 67)
    return [{ name, state: "ok", message: `everybody may open ports from ${lowest} on here` }];
  const message = "this user may not open ports below 1024: no DHCP on 67, no TFTP on 69";
  return [{ name, state: "warn", message, advice: RIGHTS_ADVICE }];
}
