import assert from "node:assert/strict";
import { test } from "node:test";
import { welcomeLines } from "../../../src/cli/welcome.ts";

const APPLIANCE = {
  controlAddress: "https://10.0.0.2:8443",
  bootAddress: "http://10.0.0.2:8080",
  caFile: "/srv/data/pki/ca.crt",
  adminTokenFile: "/srv/data/admin-token",
  newAdminToken: "mta_secret",
  complaints: [],
  stop: () => Promise.resolve(),
};
const OPTIONS = { dataDir: "/srv/data", onTerminal: false, command: "npx muster", bySudo: false };

test("DESIGN-3.1 what an appliance started by sudo suggests works when pasted: its files are root's", () => {
  const lines = welcomeLines(APPLIANCE, { ...OPTIONS, bySudo: true }).join("\n");
  assert.match(lines, /^ {2}sudo npx muster register \S+ --name kube0 && sudo npx muster watch$/m);
  assert.match(lines, /^ {2}sudo curl --cacert .*\$\(sudo cat \/srv\/data\/admin-token\)/m);
  assert.doesNotMatch(welcomeLines(APPLIANCE, OPTIONS).join("\n"), /sudo/);
});

test("DESIGN-3.5 a new admin token is shown to a person at a terminal, and to nobody else", () => {
  assert.doesNotMatch(welcomeLines(APPLIANCE, OPTIONS).join("\n"), /mta_secret/);
  assert.match(welcomeLines(APPLIANCE, { ...OPTIONS, onTerminal: true }).join("\n"), /mta_secret/);
});
