/**
 * The image side of the appliance over HTTPS, in a process of its own: `node image-appliance.ts DIRECTORY PORT CONFIG`, where
 * CONFIG is the configuration as JSON. Writes ca.crt, node.crt, node.key (of the machine `node1`), stranger.crt, stranger.key
 * and token into the directory.
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import path from "node:path";
import express from "express";
import { createObjectCache } from "../../../src/adapters/assets/object-cache.ts";
import { createBlockCache } from "../../../src/adapters/http/block-cache.ts";
import { FailureLimit } from "../../../src/adapters/http/failure-limit.ts";
import { createImageStore } from "../../../src/adapters/oci/image-store.ts";
import { createRegistryAccess } from "../../../src/adapters/oci/registry-access.ts";
import { registryRoutes } from "../../../src/adapters/oci/registry-routes.ts";
import { openRegistryUpstreams } from "../../../src/adapters/oci/registry-upstreams.ts";
import { openTagRecords } from "../../../src/adapters/oci/tag-records.ts";
import { openAuthority } from "../../../src/adapters/pki/authority.ts";
import { configSchema } from "../../../src/config/schema.ts";
import type { Machine } from "../../../src/domain/machine.ts";
import { Tokens } from "../../../src/services/tokens.ts";
import { FakeClock } from "../fake-clock.ts";
import { KeptEvents } from "../kept-events.ts";
import { KeptLog } from "../kept-log.ts";
import { MemoryStore } from "../memory-store.ts";

const [directory = ".", port = "8443", settings = "{}"] = process.argv.slice(2);
const config = configSchema.parse(JSON.parse(settings));
const clock = new FakeClock(Date.now());
const log = new KeptLog();
const events = new KeptEvents();
mkdirSync(directory, { recursive: true });

const authority = await openAuthority({ directory: path.join(directory, "pki"), clock });
const leaf = (
  name: string,
  purpose: "server" | "client",
): { readonly key: string; readonly certificate: string } => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const organizationalUnit = "generation 1";
  const subject = purpose === "client" ? { commonName: name, organizationalUnit } : { commonName: name };
  const { pem } = authority.issue({ purpose, subject, publicKey, days: 10, alternativeNames: ["127.0.0.1"] });
  return { key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), certificate: pem };
};
const write = (name: string, text: string): void =>
  writeFileSync(path.join(directory, name), text, { mode: 0o600 });
for (const name of ["node", "stranger"]) {
  const { key, certificate } = leaf(name === "node" ? "node1" : name, "client");
  write(`${name}.crt`, certificate);
  write(`${name}.key`, key);
}
write("ca.crt", authority.certificate);

const tokens = new Tokens({ store: new MemoryStore().tokens, clock, log });
write("token", (await tokens.create({ name: "test", role: "viewer" })).secret);
const access = createRegistryAccess({
  tokens,
  failures: new FailureLimit({ clock }),
  anonymous: config.images.anonymous,
  identities: {
    identify: ({ machine }) =>
      Promise.resolve(
        machine === "node1"
          ? { kind: "node", machine: { name: machine } as Machine, generation: 1 }
          : { kind: "refused", reason: "its machine is not registered" },
      ),
  },
});
const cacheDirectory = path.join(directory, "images");
const cache = createObjectCache({
  directory: cacheDirectory,
  maxBytes: config.images.maxCacheBytes,
  clock,
  log,
});
const tags = await openTagRecords(path.join(cacheDirectory, "tags"));
const upstreams = openRegistryUpstreams(config, clock);
const tagAgeMs = config.images.tagSeconds * 1000;
const images = createImageStore({ upstreams, cache, tags, tagAgeMs, clock, events, log });
const app = express();
app.use("/v2", registryRoutes({ images, access, cache: createBlockCache({ maxBytes: 8 << 20 }), log }));
const { key, certificate } = leaf("appliance", "server");
const tls = {
  key,
  cert: certificate,
  ca: authority.certificate,
  requestCert: true,
  rejectUnauthorized: false,
};
createServer(tls, app).listen(Number(port), "127.0.0.1", () => console.log("serving"));
// Time passes for tags when a test says so.
process.on("SIGUSR2", () => clock.advance(config.images.tagSeconds * 1000 + 1));
