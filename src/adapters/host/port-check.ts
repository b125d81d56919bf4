/** Whether the appliance's ports are free, and who holds those that are not. */
import { createServer } from "node:net";
import { tcpPortHolder } from "../network/port-holder.ts";
import { closeUdpSocket, isBindFailure, openUdpSocket } from "../udp/udp-socket.ts";
import type { Check } from "./check.ts";

/** One port the appliance wants. */
export interface WantedPort {
  readonly transport: "udp" | "tcp";
  readonly port: number;
  /** What it is for, like `DHCP`. */
  readonly purpose: string;
  /** The setting that changes it. */
  readonly setting: string;
}

/** Tries to open the port for a moment. A missing right is a warning: the appliance serves the rest without it. */
export async function checkPort(wanted: WantedPort): Promise<Check> {
  const name = `port ${wanted.port}/${wanted.transport}`;
  const found = wanted.transport === "udp" ? await tryUdp(wanted.port) : await tryTcp(wanted.port);
  switch (found.kind) {
    case "free":
      return { name, state: "ok", message: `free for ${wanted.purpose}` };
    case "not-permitted":
      return {
        name,
        state: "warn",
        message: `no right to open it: ${wanted.purpose} would not be served`,
        advice: RIGHTS_ADVICE,
      };
    case "taken":
      return {
        name,
        state: "fail",
        message: `${wanted.purpose} cannot be served: ${found.message}`,
        advice: `stop that program, or change ${wanted.setting}`,
      };
  }
}

/** How a process that is not root gets ports below 1024. */
export const RIGHTS_ADVICE =
  "run muster.service or its sockets, start with sudo, or once: " +
  `sudo setcap cap_net_bind_service=+ep ${process.execPath}`;

type Attempt =
  | { readonly kind: "free" | "not-permitted" }
  | { readonly kind: "taken"; readonly message: string };

async function tryUdp(port: number): Promise<Attempt> {
  const result = await openUdpSocket({ address: "0.0.0.0", port });
  if (!isBindFailure(result)) {
    await closeUdpSocket(result);
    return { kind: "free" };
  }
  return result.kind === "not-permitted"
    ? { kind: "not-permitted" }
    : { kind: "taken", message: withoutStop(result.message) };
}

async function tryTcp(port: number): Promise<Attempt> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => resolve(undefined)));
  });
  if (error === undefined) return { kind: "free" };
  if (error.code === "EACCES" || error.code === "EPERM") return { kind: "not-permitted" };
  const holder = error.code === "EADDRINUSE" ? await tcpPortHolder(port) : undefined;
  return { kind: "taken", message: holder === undefined ? error.message : `held by ${holder}` };
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}
