/** `npm start`: the appliance in the foreground. Arguments after `--` go to `muster serve`. */
process.argv.splice(2, 0, "serve");
await import("./muster.mjs");
