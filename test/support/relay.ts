/** Passes TCP connections on to a unix socket: `relay.ts PORT SOCKET`, on the loopback address of its namespace. */
import { connect, createServer } from "node:net";

const [port = "", socket = ""] = process.argv.slice(2);
const server = createServer((client) => {
  const upstream = connect(socket);
  client.on("error", () => upstream.destroy());
  upstream.on("error", () => client.destroy());
  client.pipe(upstream).pipe(client);
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));

// Whoever started the relay may have been killed: nobody else would end it.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit();
}, 1000);
