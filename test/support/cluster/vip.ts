/** Who holds the address of the API, and when it answers. */
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterBed } from "./bed.ts";
import type { ClusterMachine } from "./machine.ts";

/** The one machine that has the address. */
export async function vipHolder(bed: ClusterBed, address: string): Promise<ClusterMachine> {
  const holders: ClusterMachine[] = [];
  for (const machine of bed.machines.values()) {
    const { stdout } = await machine.run("ip", ["-4", "-o", "addr"]);
    if (stdout.includes(` ${address}/`)) holders.push(machine);
  }
  const [holder] = holders;
  if (holder === undefined || holders.length > 1) {
    throw new Error(`${address} is held by ${holders.map(({ name }) => name).join(" and ") || "nobody"}`);
  }
  return holder;
}

/** Waits until the API's health check answers through an address. */
export async function waitForApi(
  bed: ClusterBed,
  { address, port, seconds }: { readonly address: string; readonly port: number; readonly seconds: number },
): Promise<void> {
  const url = `https://${address}:${port}/readyz`;
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const { stdout } = await bed.namespace.run("curl", ["-sSk", "-m", "1", url]);
    if (stdout === "ok") return;
    if (performance.now() > deadline) throw new Error(`${url} did not answer within ${seconds} s`);
    await delay(100);
  }
}
