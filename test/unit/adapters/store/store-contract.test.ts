import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite-store.ts";
import { MemoryStore } from "../../../support/memory-store.ts";
import { describeStore } from "./store-contract.ts";

const directory = mkdtempSync(join(tmpdir(), "muster-store-"));
let count = 0;
after(() => {
  rmSync(directory, { recursive: true });
});

describeStore("memory", () => new MemoryStore());
describeStore("SQLite", () => openSqliteStore({ file: join(directory, `${++count}.db`) }));
