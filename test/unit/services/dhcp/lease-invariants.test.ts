import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ConfigInput } from "../../../../src/config/schema.ts";
import { MESSAGE_TYPE, OPTION } from "../../../../src/protocol/dhcp/option-codes.ts";
import {
  type ClientPacket,
  clientPacket,
  DhcpBench,
  received,
  SERVER,
} from "../../../support/dhcp-client.ts";

const CLIENTS = 6;
const RESERVED = "10.0.0.101";
/** Fewer addresses than clients, one of them reserved. */
const CONFIG: ConfigInput = {
  network: {
    address: SERVER,
    subnets: [{ cidr: "10.0.0.0/24", pools: [{ from: "10.0.0.100", to: "10.0.0.104" }] }],
  },
  dhcp: { mode: "server", unknown: "discover", clientRate: 1e6, authoritative: true, declineSeconds: 900 },
};

interface Binding {
  readonly address: string;
  readonly until: number;
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("discover" as const), client: fc.nat(CLIENTS - 1) }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("select" as const), client: fc.nat(CLIENTS - 1) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("renew" as const), client: fc.nat(CLIENTS - 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("steal" as const),
      client: fc.nat(CLIENTS - 1),
      last: fc.integer({ min: 99, max: 105 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), client: fc.nat(CLIENTS - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("decline" as const), client: fc.nat(CLIENTS - 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 500 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("jump" as const), hours: fc.constantFrom(-5, 7) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disk" as const), full: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Clients and what they may rely on: monotonic times, because that is what they count their leases by. */
class Rack {
  bench: DhcpBench;
  readonly bindings = new Map<number, Binding>();
  readonly #offers = new Map<number, string>();

  constructor(bench: DhcpBench) {
    this.bench = bench;
  }

  async run(action: Step): Promise<void> {
    switch (action.kind) {
      case "discover":
        return this.#discover(action.client);
      case "select":
        return this.#request(action.client, this.#offers.get(action.client), { [OPTION.serverId]: SERVER });
      case "renew":
        return this.#renew(action.client);
      case "steal":
        return this.#request(action.client, `10.0.0.${action.last}`, {});
      case "release":
        return this.#giveBack(action.client, "release");
      case "decline":
        return this.#giveBack(action.client, "decline");
      case "wait":
        this.bench.clock.advance(action.seconds * 1000);
        return;
      case "jump":
        await this.bench.answer(clientPacket({ type: "inform", ciaddr: "10.0.0.9" }));
        this.bench.clock.jump(action.hours * 3_600_000);
        return;
      case "restart":
        return this.#restart();
      case "disk":
        this.bench.store.broken = undefined;
        if (action.full) this.bench.store.break();
    }
  }

  async #discover(client: number): Promise<void> {
    const outcome = await this.bench.answer(clientPacket({ mac: mac(client) }));
    if (outcome.kind === "ignored") return;
    const address = received(outcome).yiaddr;
    this.#checkFree(client, address);
    this.#offers.set(client, address);
  }

  async #request(
    client: number,
    address: string | undefined,
    options: ClientPacket["options"],
  ): Promise<void> {
    if (address === undefined) return;
    const wanted = { ...options, [OPTION.requestedAddress]: address };
    await this.#ask(client, { type: "request", mac: mac(client), options: wanted });
  }

  async #renew(client: number): Promise<void> {
    const binding = this.bindings.get(client);
    if (binding) await this.#ask(client, { type: "request", mac: mac(client), ciaddr: binding.address });
  }

  async #ask(client: number, packet: ClientPacket): Promise<void> {
    const outcome = await this.bench.answer(clientPacket(packet));
    if (outcome.kind === "ignored") return;
    const reply = received(outcome);
    if (reply.type === MESSAGE_TYPE.nak) {
      this.bindings.delete(client);
      return;
    }
    this.#checkFree(client, reply.yiaddr);
    const seconds = reply.packet.options.u32(OPTION.leaseTime) ?? 0;
    this.bindings.set(client, {
      address: reply.yiaddr,
      until: this.bench.clock.monotonic() + seconds * 1000,
    });
    const stored = (await this.bench.store.leases.all()).find(({ address }) => address === reply.yiaddr);
    assert.equal(stored?.client, `mac:${mac(client)}`, "an acknowledged lease is in the store");
    assert.equal(stored.state, "bound");
  }

  async #giveBack(client: number, type: "release" | "decline"): Promise<void> {
    const binding = this.bindings.get(client);
    if (!binding) return;
    const { address } = binding;
    const outcome = await this.bench.answer(
      clientPacket({
        type,
        mac: mac(client),
        ...(type === "release" ? { ciaddr: address } : {}),
        options: {
          [OPTION.serverId]: SERVER,
          ...(type === "decline" ? { [OPTION.requestedAddress]: address } : {}),
        },
      }),
    );
    assert.equal(outcome.kind, "ignored");
    this.bindings.delete(client);
  }

  async #restart(): Promise<void> {
    if (this.bench.store.broken) return;
    await this.bench.service.stop();
    const { store, clock } = this.bench;
    this.bench = await start(store, clock);
  }

  /** Nobody else may rely on the address, and it is one to give. */
  #checkFree(client: number, address: string): void {
    const now = this.bench.clock.monotonic();
    for (const [other, binding] of this.bindings) {
      if (other === client || binding.until <= now) continue;
      assert.notEqual(binding.address, address, `${address} belongs to client ${other}`);
    }
    assert.match(address, /^10\.0\.0\.10[0-4]$/);
    assert.equal(address === RESERVED, client === 0, `${address} for client ${client}`);
  }
}

function mac(client: number): string {
  return `52:54:00:00:00:0${client}`;
}

async function start(store?: DhcpBench["store"], clock?: DhcpBench["clock"]): Promise<DhcpBench> {
  const bench = await DhcpBench.start(CONFIG, { ...(store ? { store } : {}), ...(clock ? { clock } : {}) });
  bench.register("kube0", { mac: mac(0), address: RESERVED });
  return bench;
}

test("D-24, D-29, D-34, D-60, D-61 whatever clients, clock, disk and power do, no address has two owners", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
      const rack = new Rack(await start());
      for (const action of steps) await rack.run(action);
      const live = rack.bench.service.leases().filter(({ state }) => state === "bound");
      assert.equal(new Set(live.map(({ address }) => address)).size, live.length);
    }),
    { seed: 61, numRuns: 150 },
  );
});
