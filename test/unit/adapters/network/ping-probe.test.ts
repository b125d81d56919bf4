import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createPingProbe } from "../../../../src/adapters/network/ping-probe.ts";
import { KeptLog } from "../../../support/kept-log.ts";

test("D-50 an echo means in use; no echo, no answer in time and no program mean free", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "muster-ping-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const program = join(directory, "ping");
  await writeFile(
    program,
    '#!/bin/sh\nfor last; do :; done\n[ "$last" = 10.0.0.3 ] && exec sleep 5\n[ "$last" = 10.0.0.1 ]\n',
  );
  await chmod(program, 0o755);
  const log = new KeptLog();
  const probe = createPingProbe({ log, program, wait: 1500 });
  assert.equal(await probe.probe("10.0.0.1"), "in-use");
  assert.equal(await probe.probe("10.0.0.2"), "free");
  assert.equal(await probe.probe("10.0.0.3"), "free");
  assert.equal(log.lines.length, 0);
  const without = createPingProbe({ log, program: join(directory, "none") });
  assert.equal(await without.probe("10.0.0.1"), "free");
  assert.equal(await without.probe("10.0.0.1"), "free");
  assert.equal(log.lines.length, 1);
});
