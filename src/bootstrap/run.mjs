/**
 * Runs a TypeScript file of the checkout: `node src/bootstrap/run.mjs test/bench/main.ts [ARGUMENT…]`.
 * `--with-test-packages` before the file brings the Debian packages of the tests first.
 */
import { bringTestPackages } from "./debian-packages.mjs";
import { ensureDependencies } from "./dependencies.mjs";
import { execute } from "./execute.mjs";
import { LauncherError, launch } from "./messages.mjs";
import { supportedNode } from "./node.mjs";

const PACKAGES = "--with-test-packages";

await launch(() => {
  const given = process.argv.slice(2);
  const args = given[0] === PACKAGES ? given.slice(1) : given;
  if (args.length === 0) throw new LauncherError("name the TypeScript file to run");
  const node = supportedNode();
  ensureDependencies(node);
  const lacking = given[0] === PACKAGES ? bringTestPackages() : undefined;
  if (lacking) throw new LauncherError(lacking);
  execute(node, args);
});
