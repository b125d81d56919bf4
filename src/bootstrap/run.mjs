/** Runs a TypeScript file of the checkout: `node src/bootstrap/run.mjs test/bench/main.ts [ARGUMENT…]`. */
import { ensureDependencies } from "./dependencies.mjs";
import { execute } from "./execute.mjs";
import { LauncherError, launch } from "./messages.mjs";
import { supportedNode } from "./node.mjs";

await launch(() => {
  if (process.argv.length < 3) throw new LauncherError("name the TypeScript file to run");
  const node = supportedNode();
  ensureDependencies(node);
  execute(node, process.argv.slice(2));
});
