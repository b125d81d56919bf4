/**
 * Speaks DHCP by hand from inside a namespace:
 * `dhcp-talk.ts '{"port": 68, "send": [{"to": "255.255.255.255", "toPort": 67, "hex": "…"}], "wait": 1000}'`.
 * Prints one line of JSON for every datagram received: source address, source port and the octets in hex.
 */
import { createSocket } from "node:dgram";

interface Settings {
  /** Local address and port to send from. */
  readonly from?: string;
  readonly port: number;
  readonly send: readonly { readonly to: string; readonly toPort: number; readonly hex: string }[];
  /** Milliseconds to listen after the last was sent. */
  readonly wait: number;
}

const { from, port, send, wait } = JSON.parse(process.argv[2] ?? "{}") as Settings;
const addresses = from === undefined ? ["0.0.0.0"] : ["0.0.0.0", from];
const sockets = addresses.map(() => createSocket({ type: "udp4", reuseAddr: true }));
for (const [index, socket] of sockets.entries()) {
  socket.on("message", (bytes, source) =>
    console.log(JSON.stringify({ from: source.address, port: source.port, hex: bytes.toString("hex") })),
  );
  await new Promise<void>((resolve) => socket.bind(port, addresses[index], resolve));
  socket.setBroadcast(true);
}
for (const { to, toPort, hex } of send) sockets.at(-1)?.send(Buffer.from(hex, "hex"), toPort, to);
setTimeout(() => process.exit(0), wait);
