import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import express from "express";
import { type Feed, type FeedItem, type FeedOptions, streamFeed } from "../../../../src/adapters/http/sse.ts";

async function serving(feed: Feed, options: Omit<FeedOptions, "signal"> = {}) {
  const stopping = new AbortController();
  let ended = false;
  const app = express();
  app.get("/", async (_request, response) => {
    try {
      await streamFeed(response, feed, { signal: stopping.signal, ...options });
    } finally {
      ended = true;
    }
  });
  const cutOff: express.ErrorRequestHandler = (error, _request, response, next) => {
    if (response.headersSent) response.destroy();
    else next(error);
  };
  app.use(cutOff);
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, host: "127.0.0.1", path: "/" }, resolve).on("error", reject);
  });
  return {
    response,
    stopping,
    ended: () => ended,
    close: () => (server.closeAllConnections(), server.close()),
  };
}

test("a silent feed still says that it is there", async () => {
  const feed: Feed = {
    after: undefined,
    backlog: () => Promise.resolve([]),
    subscribe: () => () => undefined,
  };
  const { response, close } = await serving(feed, { heartbeatMs: 5 });
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  while (!text.includes(": still here\n\n: still here")) await once(response, "data");
  close();
});

test("what happens while the backlog is read comes after it, without gap or repetition", async () => {
  let tell: (item: FeedItem) => void = () => undefined;
  const feed: Feed = {
    after: 0,
    backlog: (after) => {
      if (after > 0) return Promise.resolve([]);
      for (const id of [2, 3]) tell({ id, data: "live" });
      return Promise.resolve([1, 2].map((id) => ({ id, data: "old" })));
    },
    subscribe: (listener) => {
      tell = listener;
      return () => undefined;
    },
  };
  const { response, close } = await serving(feed);
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  while (!text.includes("id: 3")) await once(response, "data");
  assert.deepEqual(
    [...text.matchAll(/id: (\d+)\ndata: "(\w+)"/g)].map(([, id, data]) => `${id} ${data}`),
    ["1 old", "2 old", "3 live"],
  );
  close();
});

test("a reader that does not read is let go, and costs a bounded amount of memory", async () => {
  let tell: (item: FeedItem) => void = () => undefined;
  const gone = { unsubscribed: false };
  const feed: Feed = {
    after: undefined,
    backlog: () => Promise.resolve([]),
    subscribe: (listener) => {
      tell = listener;
      return () => (gone.unsubscribed = true);
    },
  };
  const { response, close, ended } = await serving(feed);
  response.on("error", () => undefined);
  response.pause();
  const data = "x".repeat(100_000);
  for (let id = 1; !gone.unsubscribed && id < 1000; id++) {
    tell({ id, data });
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(gone.unsubscribed, true);
  while (!ended()) await new Promise((resolve) => setImmediate(resolve));
  close();
});

test("a feed whose backlog fails ends its subscription", async () => {
  let unsubscribed = false;
  const feed: Feed = {
    after: 0,
    backlog: () => Promise.reject(new Error("the store is broken")),
    subscribe: () => () => (unsubscribed = true),
  };
  const { response, close } = await serving(feed);
  response.on("error", () => undefined).resume();
  await once(response, "close");
  assert.equal(unsubscribed, true);
  close();
});

test("a reader whose token was revoked is let go at the next heartbeat", async () => {
  const feed: Feed = {
    after: undefined,
    backlog: () => Promise.resolve([]),
    subscribe: () => () => undefined,
  };
  let beats = 0;
  const { response, close } = await serving(feed, { heartbeatMs: 5, allowed: () => ++beats < 3 });
  response.resume();
  await once(response, "end");
  assert.equal(beats, 3);
  close();
});
