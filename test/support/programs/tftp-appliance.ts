/**
 * A TFTP server for interop tests: `tftp-appliance.ts '{"directory": …, "address": …, "tftp": {…}}'`.
 * Prints one line of JSON when it listens and one for every transfer that ends.
 */
import { createFileRoot } from "../../../src/adapters/tftp/file-root.ts";
import { TftpServer } from "../../../src/adapters/tftp/tftp-server.ts";
import { configSchema } from "../../../src/config/schema.ts";
import { KeptLog } from "../kept-log.ts";

interface Settings {
  readonly directory: string;
  readonly address: string;
  /** Further addresses to listen on. */
  readonly more?: readonly string[];
  readonly tftp?: object;
  /** Leaves out the line for every transfer. */
  readonly quiet?: boolean;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as Settings;
const server = new TftpServer({
  config: configSchema.parse({ tftp: settings.tftp ?? {} }).tftp,
  addresses: [settings.address, ...(settings.more ?? [])],
  files: createFileRoot({ directory: settings.directory }),
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  log: new KeptLog(),
  ...(settings.quiet === true ? {} : { onTransfer: (stats) => console.log(JSON.stringify(stats)) }),
});
await server.start();
console.log(JSON.stringify({ ...server.status(), pid: process.pid }));
process.once("SIGTERM", () => void server.stop().then(() => process.exit(0)));
