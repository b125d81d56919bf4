/** Commits two leases at a time and prints each commit's number after it, until it is killed. */
import { writeSync } from "node:fs";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite-store.ts";

const store = openSqliteStore({ file: process.argv[2] ?? "" });
for (let commit = 0; commit < 65_536; commit++) {
  await store.leases.commit(
    [0, 1].map((half) => ({
      address: `10.${half}.${commit >> 8}.${commit & 255}`,
      client: `id:${half}${commit}`,
      state: "bound",
      startsAt: commit,
      expiresAt: commit + 3_600_000,
    })),
  );
  writeSync(1, `${commit}\n`);
}
