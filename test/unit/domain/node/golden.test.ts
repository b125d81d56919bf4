/** Golden plans: `MUSTER_UPDATE_GOLDEN=1 node --test test/unit/domain/node/golden.test.ts` writes them anew. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { NodePlan } from "../../../../src/domain/node/plan-types.ts";
import { EXAMPLE_FILES, exampleCluster, membersByRoles } from "../../../support/example-clusters.ts";
import { planOf } from "../../../support/node-machine.ts";

const GOLDEN = path.join(import.meta.dirname, "golden");

function asText(plan: NodePlan): string {
  const settings = Object.entries(plan.settings).map(([name, value]) => `${name}=${value}\n`);
  const downloads = plan.downloads.map(({ upstream, path: where }) => `${upstream}: ${where}\n`);
  const files = [...plan.planFiles, ...plan.files].map(
    ({ path: where, mode, content }) => `\n===== ${where} ${mode}\n${content}`,
  );
  return [...settings, "\n", ...downloads, ...files].join("");
}

for (const file of EXAMPLE_FILES) {
  const example = file.replace(/(\/cluster)?\.yaml$/, "");
  const cluster = exampleCluster(file);
  for (const name of membersByRoles(cluster)) {
    test(`S0-12 the plan of ${name} in examples/${file} is as it was`, () => {
      const golden = path.join(GOLDEN, example, `${name}.txt`);
      const text = asText(planOf(cluster, name));
      if (process.env["MUSTER_UPDATE_GOLDEN"] === "1") {
        mkdirSync(path.dirname(golden), { recursive: true });
        writeFileSync(golden, text);
      }
      assert.ok(existsSync(golden), `${golden} is missing: run with MUSTER_UPDATE_GOLDEN=1`);
      assert.equal(text, readFileSync(golden, "utf8"));
    });
  }
}
