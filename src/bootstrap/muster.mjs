#!/usr/bin/env node
/** The `muster` command: brings what the checkout needs, then becomes the program. */
import path from "node:path";
import { ensureBuild } from "./build.mjs";
import { root } from "./checkout.mjs";
import { ensureDependencies } from "./dependencies.mjs";
import { execute } from "./execute.mjs";
import { launch } from "./messages.mjs";
import { supportedNode } from "./node.mjs";

await launch(() => {
  const node = supportedNode();
  ensureDependencies(node);
  ensureBuild(node);
  execute(node, [path.join(root, "dist", "cli", "muster.js"), ...process.argv.slice(2)]);
});
