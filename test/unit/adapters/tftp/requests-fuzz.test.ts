import assert from "node:assert/strict";
import type { Socket } from "node:dgram";
import { test } from "node:test";
import { memoryFile } from "../../../../src/adapters/tftp/memory-file.ts";
import { TftpRequests } from "../../../../src/adapters/tftp/requests.ts";
import { configSchema } from "../../../../src/config/schema.ts";
import { decodeTftp, encodeTftp } from "../../../../src/protocol/tftp/packet.ts";
import type { TftpFiles } from "../../../../src/services/tftp/files.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { KeptLog } from "../../../support/kept-log.ts";
import { mutate, seededRandom } from "../../../support/mutate.ts";

const SEEDS: readonly Uint8Array[] = [
  "\0\x01ipxe.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0",
  "\0\x01ipxe.efi\0octet\0blksize\x001432\0tsize\x000\0",
  "\0\x01\\Boot\\BCD\0octet\0blksize\x001456\0",
  "\0\x01text\0netascii\0",
  "\0\x02upload\0octet\0",
  "\0\x03\0\x01some data of a block",
  "\0\x04\0\0",
  "\0\x04\0\x01",
  "\0\x05\0\x08User aborted the transfer\0",
  "\0\x06blksize\x001468\0",
].map((text) => Buffer.from(text, "latin1"));

const files: TftpFiles = {
  open: (path) =>
    Promise.resolve(
      path.length % 3 === 0 ? { kind: "not-found" } : { kind: "file", file: memoryFile(Buffer.alloc(5000)) },
    ),
};

test("T-18, T-22, T-24, T-28 200,000 mutated packets raise nothing and nonsense is not amplified", async () => {
  const random = seededRandom(69);
  const clock = new FakeClock();
  let sent = 0;
  const send = (bytes: Uint8Array): void => void (sent += bytes.length);
  const socket = { send } as unknown as Socket;
  const config = { ...configSchema.parse({}).tftp, singlePort: true };
  const requests = new TftpRequests({
    config,
    files,
    clock,
    log: new KeptLog(),
    onTransfer: () => undefined,
  });
  let answered = 0;
  for (let i = 0; i < 200_000; i++) {
    const bytes = mutate(SEEDS[i % SEEDS.length]!, random);
    const fresh = { address: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`, port: 2070 };
    const packet = decodeTftp(bytes);
    sent = 0;
    requests.receive(Buffer.from(bytes), fresh, { socket, transferPorts: [] });
    if (packet.kind === "malformed") assert.ok(sent <= bytes.length, `${sent} bytes for ${bytes.length}`);
    if (packet.kind !== "malformed" && packet.kind !== "read" && packet.kind !== "write")
      assert.equal(sent, 0);
    if (sent > 0) answered += 1;
    if (i % 100 === 0) {
      await Promise.resolve();
      clock.advance(700);
      requests.tick(clock.monotonic());
    }
  }
  assert.ok(answered > 1000);
  for (let i = 0; i < 20; i++) {
    await new Promise(setImmediate);
    clock.advance(10_000);
    requests.tick(clock.monotonic());
  }
  assert.equal(requests.active, 0);
});

test("T-09, T-18, T-28 mutated packets of a running transfer raise nothing and end with nothing left over", async () => {
  const random = seededRandom(4011);
  const clock = new FakeClock();
  const socket = { send: () => undefined } as unknown as Socket;
  const config = { ...configSchema.parse({}).tftp, singlePort: true };
  const requests = new TftpRequests({ config, files, clock, log: new KeptLog() });
  const listener = { socket, transferPorts: [] };
  for (let i = 0; i < 400; i++) {
    const client = { address: "10.0.0.9", port: 1024 + i };
    const request = encodeTftp({
      kind: "read",
      path: "ab",
      mode: "octet",
      options: [{ name: "windowsize", value: String(i % 5) }],
    });
    requests.receive(Buffer.from(request), client, listener);
    await new Promise(setImmediate);
    for (let block = 0; block < 50; block++) {
      const seed = random() < 0.5 ? encodeTftp({ kind: "ack", block }) : SEEDS[block % SEEDS.length]!;
      requests.receive(Buffer.from(random() < 0.3 ? mutate(seed, random) : seed), client, listener);
    }
    clock.advance(1000);
    requests.tick(clock.monotonic());
  }
  for (let i = 0; i < 20; i++) {
    clock.advance(10_000);
    requests.tick(clock.monotonic());
  }
  assert.equal(requests.active, 0);
});
