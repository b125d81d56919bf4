// The client of the `dhcp` package of npm: `npm-dhcp-client.cjs MAC`; prints every reply it understands as JSON.
const dhcp = require("dhcp");
const client = dhcp.createClient({ mac: process.argv[2], features: ["hostname"] });
client.on("message", (reply) => {
  const line = { type: reply.options[53], address: reply.yiaddr, server: reply.options[54], mask: reply.options[1] };
  process.stdout.write(`${JSON.stringify(line)}\n`);
});
client.on("error", (error) => process.stderr.write(`${error}\n`));
client.listen(undefined, undefined, () => client.sendDiscover());
setTimeout(() => process.exit(0), 2000);
