// The server of the `tftp` package of npm: `npm-tftp-server.cjs PORT DIRECTORY`.
const [port, root] = process.argv.slice(2);
const server = require("tftp").createServer({ host: "127.0.0.1", port: Number(port), root, denyPUT: true });
server.on("error", (error) => process.stdout.write(`reported: ${error}\n`));
server.on("request", (request) => {
  request.on("error", (error) => process.stdout.write(`request: ${error}\n`));
});
server.on("listening", () => process.stdout.write("listening\n"));
server.listen();
