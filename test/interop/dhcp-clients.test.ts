import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Bound, dhcpLab, type LabClient, SERVER } from "../support/dhcp-lab.ts";
import { needsPrograms, needsRoot } from "../support/netns.ts";

const MAC = "52:54:00:00:20:01";
const KNOWN = { name: "kube0", spec: { mac: MAC, address: "10.80.0.20" } };

const skipped = (t: TestContext, ...programs: readonly string[]): boolean =>
  needsRoot(t) || needsPrograms(t, "ip", "nsenter", ...programs);

const CLIENTS: Readonly<
  Record<string, { needs: string; bind: (client: LabClient) => Promise<Bound | undefined> }>
> = {
  udhcpc: { needs: "busybox", bind: (client) => client.udhcpc() },
  dhclient: { needs: "dhclient", bind: (client) => client.dhclient() },
  dhcpcd: { needs: "dhcpcd", bind: (client) => client.dhcpcd() },
};

for (const [name, { needs, bind }] of Object.entries(CLIENTS)) {
  test(`D-20, D-34, D-69, D-70, D-71 ${name} is given the reserved address of its machine`, async (t) => {
    if (skipped(t, needs)) return;
    const lab = await dhcpLab(t, { machines: [KNOWN] });
    const client = await lab.client(MAC);
    const bound = await bind(client);
    assert.equal(bound?.address, "10.80.0.20", JSON.stringify(await lab.counters()));
    assert.deepEqual([bound.server, bound.router], [SERVER, SERVER]);
    assert.ok((await lab.leases()).some(({ address, mac }) => address === "10.80.0.20" && mac === MAC));
  });

  test(`D-87, D-88 ${name} of an unknown machine is left alone, or gets an address from the pool`, async (t) => {
    if (skipped(t, needs)) return;
    const silent = await dhcpLab(t);
    assert.equal(await bind(await silent.client()), undefined);
    const open = await dhcpLab(t, { dhcp: { unknown: "discover" } });
    const bound = await bind(await open.client());
    assert.match(bound?.address ?? "nothing", /^10\.80\.0\.1\d\d$/);
  });
}
