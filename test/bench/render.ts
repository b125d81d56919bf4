/** Preseed documents a second on one core, by ticket as an installer asks, with 10 and with 5,000 registered machines. */
import { performance } from "node:perf_hooks";
import type { Machine } from "../../src/domain/machine.ts";
import { createInstallDocuments } from "../../src/services/install/documents.ts";
import { APPLIANCE, shippedTemplates } from "../support/install-plans.ts";
import { aMachine } from "../support/machines.ts";

/** One line of the result table. */
export interface RenderBenchRow {
  readonly what: string;
  readonly machines: number;
  /** Documents a second; the median of the rounds. */
  readonly perSecond: number;
}

const MACHINES = [10, 5_000] as const;
const DOCUMENTS = ["preseed.cfg", "target-files.sh"] as const;
const ROUNDS = 5;
const ROUND_MS = 1_000;

/** Measures for about half a minute. */
export async function benchRender(): Promise<readonly RenderBenchRow[]> {
  const rows: RenderBenchRow[] = [];
  for (const machines of MACHINES) {
    for (const document of DOCUMENTS) {
      const perSecond = await measure(machines, document);
      rows.push({ what: document, machines, perSecond: Math.round(perSecond) });
    }
  }
  return rows;
}

async function measure(count: number, document: string): Promise<number> {
  const fleet = machinesByTicket(count);
  const tickets = [...fleet.keys()];
  const documents = createInstallDocuments({
    machines: { byName: () => undefined, byMac: () => undefined },
    tickets: {
      resolve: (ticket) => {
        const machine = fleet.get(ticket);
        return Promise.resolve(
          machine
            ? { ok: true as const, machine, generation: machine.generation }
            : { ok: false as const, reason: "unknown" },
        );
      },
    },
    templates: shippedTemplates(),
    secrets: { secretFor: (name, generation) => Promise.resolve(`secret-${name}-${generation}`) },
    appliance: () => APPLIANCE,
  });
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const begun = performance.now();
    let made = 0;
    while (performance.now() - begun < ROUND_MS) {
      const outcome = await documents.get(tickets[made % tickets.length] ?? "", document);
      if (outcome.kind !== "document") throw new Error(`${document} was not rendered`);
      made++;
    }
    // The first round warms up.
    if (round > 0) rates.push((made / (performance.now() - begun)) * 1_000);
  }
  return rates.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
}

function machinesByTicket(count: number): ReadonlyMap<string, Machine> {
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const octets = [index >> 8, index & 255].map((octet) => octet.toString(16).padStart(2, "0"));
      const machine = aMachine({
        name: `node${index}`,
        state: "installing",
        generation: 1,
        spec: { mac: `52:54:00:00:${octets.join(":")}` },
      });
      return [`mti_${String(index).padStart(32, "0")}`, machine];
    }),
  );
}
