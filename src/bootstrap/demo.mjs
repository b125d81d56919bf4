/** `npm run demo` (as root): a virtual machine with real firmware installs itself from a real appliance, while you watch. */
import path from "node:path";
import { root } from "./checkout.mjs";
import { bringTestPackages } from "./debian-packages.mjs";
import { ensureDependencies } from "./dependencies.mjs";
import { execute } from "./execute.mjs";
import { LauncherError, launch } from "./messages.mjs";
import { supportedNode } from "./node.mjs";

await launch(() => {
  if (process.getuid?.() !== 0) {
    throw new LauncherError(
      "the demo makes a network of its own for its machine and needs root: sudo npm run demo",
    );
  }
  const node = supportedNode();
  ensureDependencies(node);
  const lacking = bringTestPackages();
  if (lacking) throw new LauncherError(lacking);
  execute(node, [path.join(root, "test", "lab", "demo.ts"), ...process.argv.slice(2)]);
});
