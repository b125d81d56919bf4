// Fetches one file with the `tftp` package of npm, an implementation that shares no code with ours.
const [host, path, target] = process.argv.slice(2);
require("tftp")
  .createClient({ host, port: 69, retries: 5, timeout: 2000 })
  .get(path, target, (error) => {
    if (error) process.stderr.write(`${error.message}\n`);
    process.exit(error ? 1 : 0);
  });
