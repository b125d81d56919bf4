/** The services that let machines join, over a rack and a store in memory. */
import type { ClusterView } from "../../src/domain/cluster/members.ts";
import type { EndpointSight } from "../../src/domain/cluster/turn-facts.ts";
import { AddonsTurns } from "../../src/services/cluster/addons-turns.ts";
import { ClusterLook } from "../../src/services/cluster/cluster-look.ts";
import { ClusterStates } from "../../src/services/cluster/cluster-state.ts";
import { JoinTokens } from "../../src/services/cluster/join-tokens.ts";
import { NodeSecrets } from "../../src/services/cluster/node-secrets.ts";
import { TurnGrants } from "../../src/services/cluster/turn-grants.ts";
import { TurnKeeper } from "../../src/services/cluster/turn-keeper.ts";
import { TurnReports } from "../../src/services/cluster/turn-reports.ts";
import { Turns } from "../../src/services/cluster/turns.ts";
import { startCore } from "./appliance-core.ts";
import { aCluster, MemoryClusters } from "./clusters.ts";
import { FakeRack } from "./fake-rack.ts";
import { anInstalledMachine } from "./machines.ts";

export const JOIN_TURN_MS = 900_000;

/** Everything around one cluster whose machines were installed a moment ago. */
export async function startTurns(
  options: { readonly cluster?: ClusterView; readonly workersAtOnce?: number } = {},
) {
  const cluster = options.cluster ?? aCluster();
  const machines = cluster.members.map(({ name, spec }) =>
    anInstalledMachine({ name, spec: { ...spec, interfaces: [] }, revision: 1 }),
  );
  const core = await startCore({ machines });
  const rack = new FakeRack(cluster);
  const clusters = new MemoryClusters([cluster]);
  for (const { name } of machines) {
    const identity = { machine: name, generation: 1, secretHashes: [], keyHash: `key-${name}`, serial: name };
    await core.store.identities.put(identity);
  }
  const endpoint = { sight: { kind: "free" } as EndpointSight };
  const build = async () => {
    const { clock, registry, events, log, store } = core;
    const states = new ClusterStates({ store: store.clusters, log });
    await states.start();
    const look = new ClusterLook({ access: rack, clock });
    const tokens = new JoinTokens({ access: rack, states, clock, log, key: new Uint8Array(32).fill(7) });
    const common = { clusters, states, machines: registry, events, clock };
    const secrets = new NodeSecrets({
      ...common,
      identities: store.identities,
      filesOf: ({ member }) =>
        Promise.resolve(
          member.roles.includes("control-plane")
            ? [{ path: "/etc/kubernetes/pki/ca.key", mode: 0o600, content: "key" }]
            : [],
        ),
    });
    const grants = new TurnGrants({
      ...common,
      access: rack,
      look,
      tokens,
      secrets,
      joinTurnMs: JOIN_TURN_MS,
    });
    const keeper = new TurnKeeper({ clusters, states, tokens, timers: clock, log });
    const workersAtOnce = options.workersAtOnce ?? 10;
    const turns = new Turns({
      ...common,
      look,
      endpoint: { check: () => Promise.resolve(endpoint.sight) },
      grants,
      workersAtOnce,
    });
    const reports = new TurnReports({ ...common, look, tokens, turnEnded: () => undefined });
    const addons = new AddonsTurns({ ...common, patienceMs: 900_000 });
    return { states, look, tokens, secrets, grants, keeper, turns, reports, addons };
  };
  return { core, rack, cluster, clusters, endpoint, build, ...(await build()) };
}

export type TurnServices = Awaited<ReturnType<typeof startTurns>>;
