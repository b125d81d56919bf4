import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import request from "supertest";
import { fakeControl } from "../../support/control-services.ts";

const PAGE = readFileSync(path.join(import.meta.dirname, "../../../docs/api.md"), "utf8");

test("DESIGN-3.5 docs/api.md names every address of the API", async () => {
  const control = await fakeControl();
  const { text } = await request(control.app()).get("/api/v1/openapi.json").expect(200);
  const { paths } = JSON.parse(text) as { paths: Readonly<Record<string, unknown>> };
  const unnamed = Object.keys(paths).filter((address) => {
    const below = address.replace(/^\/(?:api\/v1\/)?/, "");
    return !PAGE.includes(below) && !PAGE.includes(`…/${below.split("/").at(-1) ?? ""}`);
  });
  assert.deepEqual(unnamed, []);
});
