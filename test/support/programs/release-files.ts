/**
 * Serves directories as release servers do: `node release-files.ts ADDRESS PORT=DIRECTORY…`; prints "serving", then a line
 * `PEER METHOD PATH STATUS` for each request.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";
import { pipeline } from "node:stream/promises";

const [address = "127.0.0.1", ...places] = process.argv.slice(2);

async function answer(
  directory: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  const wanted = path.join(directory, path.posix.normalize(decodeURIComponent(request.url ?? "/")));
  const size = await stat(wanted).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
  if (size === undefined) {
    response.writeHead(404).end();
    return 404;
  }
  response.writeHead(200, { "content-length": size, "content-type": "application/octet-stream" });
  if (request.method === "HEAD") response.end();
  else await pipeline(createReadStream(wanted), response);
  return 200;
}

let waiting = places.length;
for (const place of places) {
  const [port = "", directory = ""] = place.split("=");
  const server = createServer((request, response) => {
    const peer = request.socket.remoteAddress ?? "";
    answer(directory, request, response).then(
      (status) => console.log(`${peer} ${request.method ?? ""} ${request.url ?? ""} ${String(status)}`),
      () => response.destroy(),
    );
  });
  server.listen(Number(port), address, () => {
    waiting--;
    if (waiting === 0) console.log("serving");
  });
}
