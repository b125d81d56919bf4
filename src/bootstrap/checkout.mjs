/** Where this copy of the product lies, and whether it is a checkout (sources to build) or an installed package. */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Top directory of this copy. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** True where sources and their build settings are present; an installed package ships `dist/` alone. */
export const isCheckout = existsSync(path.join(root, "tsconfig.build.json"));
