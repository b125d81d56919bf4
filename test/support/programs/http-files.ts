/** Serves a directory as the boot plane does, in a process of its own: `node http-files.ts DIRECTORY`; prints its port. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createBootTree } from "../../../src/adapters/assets/boot-tree.ts";
import { createBlockCache } from "../../../src/adapters/http/block-cache.ts";
import { createStaticFiles } from "../../../src/adapters/http/static-files.ts";
import { decodePath } from "../../../src/adapters/http/url-path.ts";

const directory = process.argv[2] ?? ".";
const cache = createBlockCache({ maxBytes: 128 * 1024 * 1024 });
const files = createStaticFiles({ files: createBootTree({ directory }), cache, maxTransfers: 1000 });
const server = createServer((request, response) => {
  void files.serve({ request, response, path: decodePath(request.url ?? "/")?.slice(1) ?? "" });
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
