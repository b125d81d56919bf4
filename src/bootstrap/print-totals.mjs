/** Prints the sum of a totals file that several launchers shared: `node src/bootstrap/print-totals.mjs FILE`. */
import { Totals } from "./totals.mjs";

new Totals(process.argv[2] ?? "", { owner: true }).close();
