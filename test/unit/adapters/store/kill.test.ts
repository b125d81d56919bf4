import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite-store.ts";

const WRITER = new URL("./lease-writer.ts", import.meta.url).pathname;
/** Enough commits for the write-ahead log to be folded into the file several times. */
const ACKNOWLEDGED = [1, 37, 1_200];

for (const wanted of ACKNOWLEDGED) {
  test(`DESIGN-5.5 a process killed after ${wanted} acknowledged commits has lost none of them`, async (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), "muster-kill-"));
    t.after(() => {
      rmSync(directory, { recursive: true });
    });
    const file = path.join(directory, "muster.db");
    const child = spawn(process.execPath, [WRITER, file], { stdio: ["ignore", "pipe", "inherit"] });
    let acknowledged = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (acknowledged >= wanted && !child.killed) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    assert.equal(child.signalCode, "SIGKILL");

    const store = openSqliteStore({ file });
    const leases = new Map((await store.leases.all()).map((lease) => [lease.address, lease]));
    await store.close();
    assert.ok(acknowledged >= wanted);
    for (let commit = 0; commit <= acknowledged; commit++) {
      for (const half of [0, 1])
        assert.equal(leases.get(`10.${half}.${commit >> 8}.${commit & 255}`)?.startsAt, commit);
    }
  });
}
