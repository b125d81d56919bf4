import assert from "node:assert/strict";
import { test } from "node:test";
import { routerIdOf } from "../../../../src/domain/cluster/endpoint-spec.ts";
import type { ClusterView } from "../../../../src/domain/cluster/members.ts";
import {
  type AddressHolder,
  EndpointCheck,
  rememberEndpoint,
  type VrrpSpeaker,
} from "../../../../src/services/cluster/endpoint-check.ts";
import { PayloadDelivery } from "../../../../src/services/cluster/payload-delivery.ts";
import { aCluster, aMember } from "../../../support/clusters.ts";
import { startTurns } from "../../../support/turn-services.ts";

async function withWire(
  wire: { readonly holder?: AddressHolder; readonly speakers?: readonly VrrpSpeaker[] },
  cluster?: ClusterView,
) {
  const services = await startTurns(cluster ? { cluster } : {});
  const { core, states } = services;
  const asked: string[] = [];
  const present = {
    holder: { kind: "nobody" } as AddressHolder,
    speakers: [] as readonly VrrpSpeaker[],
    ...wire,
  };
  const check = new EndpointCheck({
    states,
    probe: {
      holderOf: (address) => {
        asked.push(address);
        return Promise.resolve(present.holder);
      },
      vrrpSpeakers: () => Promise.resolve(present.speakers),
    },
    events: core.events,
    clock: core.clock,
  });
  return { ...services, check, asked, present };
}

test("S2-19 a free address is asked for once and may be used from then on", async () => {
  const { check, asked, states, cluster, core, present } = await withWire({});
  assert.deepEqual(await check.check(cluster), { kind: "free" });
  await rememberEndpoint(states, "lab", core.clock.now());
  present.holder = { kind: "held", mac: "52:54:00:00:00:99" };
  core.clock.advance(60_000);
  assert.deepEqual(await check.check(cluster), { kind: "free" });
  assert.deepEqual(asked, ["10.20.0.9"]);
});

test("S2-19 an address that somebody holds is an error that names who, until it is free", async () => {
  const { check, cluster, core, present } = await withWire({
    holder: { kind: "held", mac: "52:54:00:00:00:99" },
  });
  const taken = await check.check(cluster);
  assert.ok(taken.kind === "taken");
  assert.match(taken.by, /10\.20\.0\.9 is in use by the machine with the MAC 52:54:00:00:00:99/);
  const [alarm] = await core.events.list({ level: "alarm", limit: 10 });
  assert.equal(alarm?.type, "endpoint-taken");
  present.holder = { kind: "nobody" };
  assert.equal((await check.check(cluster)).kind, "taken", "asked a moment ago");
  core.clock.advance(11_000);
  assert.equal((await check.check(cluster)).kind, "free");
});

test("S2-19 an address that a member of the cluster holds is its own", async () => {
  const { check, cluster } = await withWire({ holder: { kind: "held", mac: "52:54:00:12:34:0b" } });
  assert.equal((await check.check(cluster)).kind, "free");
});

test("S2-19 a foreign VRRP router with the same id is an error that names it; others do not matter", async () => {
  const { check, cluster, present, core } = await withWire({});
  const { endpoint } = cluster.spec;
  const routerId = endpoint ? routerIdOf(endpoint) : 0;
  present.speakers = [
    { routerId: (routerId % 255) + 1, address: "10.20.0.70" },
    { routerId, address: "10.20.0.10", mac: "52:54:00:12:34:0a" },
  ];
  assert.equal((await check.check(cluster)).kind, "free");
  present.speakers = [{ routerId, address: "10.20.0.77", mac: "52:54:00:00:00:77" }];
  core.clock.advance(11_000);
  const taken = await check.check(cluster);
  assert.ok(taken.kind === "taken");
  assert.match(taken.by, /10\.20\.0\.77 \(52:54:00:00:00:77\) already announces VRRP router id/);
});

test("S2-19 nobody is asked about an address that no machine of ours will take", async () => {
  const external = aCluster({ spec: { endpoint: { address: "10.20.0.200", provider: "external" } } });
  const own = aCluster({ members: [aMember("kube0", { roles: ["control-plane"], host: 9 })] });
  for (const cluster of [external, own]) {
    const { check, asked } = await withWire({ holder: { kind: "held" } }, cluster);
    assert.equal((await check.check(cluster)).kind, "free");
    assert.deepEqual(asked, []);
  }
});

test("DESIGN-3.6 the payload is held back while the address is taken or the machine held, and prepares the machine", async () => {
  const { check, clusters, states, core, present } = await withWire({ holder: { kind: "held" } });
  const delivery = new PayloadDelivery({
    clusters,
    states,
    machines: core.registry,
    endpoint: check,
    payloads: { payloadFor: () => Promise.resolve({ kind: "payload", bytes: Buffer.from("tar") }) },
    clock: core.clock,
  });
  const node = { machine: "kube0", generation: 1 };
  const taken = await delivery.deliver(node);
  assert.ok(taken.kind === "waiting" && /in use by somebody/.test(taken.reason));
  assert.equal(core.registry.byName("kube0")?.state, "installed");
  present.holder = { kind: "nobody" };
  core.clock.advance(11_000);
  await core.registry.hold("kube0", "restored", "cli");
  const held = await delivery.deliver(node);
  assert.ok(held.kind === "waiting" && /held: restored/.test(held.reason));
  await core.registry.confirm("kube0", "cli");
  assert.equal((await delivery.deliver(node)).kind, "payload");
  assert.equal(core.registry.byName("kube0")?.state, "preparing");
  assert.notEqual(states.get("lab").endpointCheckedAt, undefined);
  assert.deepEqual(await delivery.deliver({ machine: "stranger", generation: 1 }), { kind: "none" });
});
