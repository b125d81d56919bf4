/** Writes the pages that are generated: `node test/support/write-docs.ts`. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { cliPage } from "./cli-reference.ts";
import { configPage } from "./config-reference.ts";
import { coverage, readRequirements, requirementsPage } from "./requirements.ts";
import { resourcesPage } from "./resource-reference.ts";

const pages = {
  "config.md": configPage(),
  "cli.md": cliPage(),
  "resources.md": resourcesPage(),
  "requirements.md": requirementsPage(readRequirements(), coverage()),
};

for (const [name, text] of Object.entries(pages)) {
  writeFileSync(path.join(import.meta.dirname, "../../docs", name), text);
  console.log(`docs/${name}`);
}
