// The server of the `dhcp` package of npm: `npm-dhcp-server.cjs ADDRESS [with-error-listener]`.
const dhcp = require("dhcp");
const address = process.argv[2];
const server = dhcp.createServer({
  range: [address.replace(/\d+$/, "100"), address.replace(/\d+$/, "150")],
  netmask: "255.255.255.0",
  router: [address],
  dns: [address],
  server: address,
  broadcast: address.replace(/\d+$/, "255"),
});
if (process.argv[3]) server.on("error", (error) => process.stdout.write(`reported: ${error}\n`));
server.on("listening", () => process.stdout.write("listening\n"));
server.listen();
