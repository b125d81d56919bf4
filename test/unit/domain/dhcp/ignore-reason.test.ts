import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { IGNORE_REASONS } from "../../../../src/domain/dhcp/ignore-reason.ts";

test("D-01 every reason for silence is listed in docs/dhcp.md", () => {
  const page = readFileSync(new URL("../../../../docs/dhcp.md", import.meta.url), "utf8");
  const listed = page.split("\n").filter((line) => /^\| `[a-z0-9-]+` \| [^|]+ \|$/.test(line));
  const expected = Object.entries(IGNORE_REASONS).map(
    ([reason, meaning]) => `| \`${reason}\` | ${meaning} |`,
  );
  assert.deepEqual(listed.slice(-expected.length), expected);
});
