import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readEvents } from "../../../../src/adapters/client/server-sent-events.ts";
import { collect } from "../../../support/collect.ts";

async function* pieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    yield bytes.subarray(start, Math.max(start, cut % (bytes.length + 1)));
    start = Math.max(start, cut % (bytes.length + 1));
  }
  yield await Promise.resolve(bytes.subarray(start));
}

test("messages are the same wherever the stream is cut, within characters too", async () => {
  const text = 'id: 1\ndata: {"message":"Gerät bereit"}\n\n: still here\n\nid: 2\ndata: one\ndata: two\n\n';
  const expected = [
    { id: "1", event: "message", data: '{"message":"Gerät bereit"}' },
    { id: "2", event: "message", data: "one\ntwo" },
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 200 })), async (cuts) => {
      assert.deepEqual(await collect(readEvents(pieces(Buffer.from(text), cuts))), expected);
    }),
  );
});

test("CR LF line ends count too, and an unfinished message is left out", async () => {
  const stream = pieces(Buffer.from("data: a\r\n\r\ndata: b\r\n"), []);
  assert.deepEqual(await collect(readEvents(stream)), [{ event: "message", data: "a" }]);
});
