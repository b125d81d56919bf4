/** What persons decide about members of clusters: reimage with its guards, the init turn, a frozen cluster. */
import type { ClusterTurns } from "../adapters/http/control-ports.ts";
import type { ClusterView } from "../domain/cluster/members.ts";
import type { ClusterLook } from "../services/cluster/cluster-look.ts";
import { InitHandover } from "../services/cluster/init-handover.ts";
import { lastControlPlaneGuard, quorumGuard } from "../services/cluster/member-guard.ts";
import { MemberRemoval } from "../services/cluster/member-removal.ts";
import { turnView } from "../services/cluster/turn-view.ts";
import type { Turns } from "../services/cluster/turns.ts";
import { Reimage } from "../services/reimage.ts";
import type { ClusterAccessParts } from "./cluster-access.ts";
import type { Context } from "./context.ts";
import type { RegistryParts } from "./registry.ts";
import type { ResourceParts } from "./resources.ts";
import type { NamedService } from "./service-stack.ts";

interface Parts {
  readonly registry: RegistryParts;
  readonly resources: ResourceParts;
  readonly access: ClusterAccessParts;
  readonly look: ClusterLook;
  readonly turns: Pick<Turns, "lastAnswer">;
}

export interface DecisionParts {
  readonly reimage: Reimage;
  readonly clusterTurns: ClusterTurns;
  readonly services: readonly NamedService[];
}

/** Builds the one way back to the installer, and what a person may say when a cluster cannot go on by itself. */
export function buildClusterDecisions(context: Context, parts: Parts): DecisionParts {
  const { config, clock, timers, log, limits } = context;
  const { registry, resources, look, turns } = parts;
  const { access } = parts.access;
  const { clusters } = resources.resources;
  const { events, clusterStates: states, registry: machines } = registry;
  const shared = { clusters, states, machines, look, events, clock };
  const drainMs = config.cluster.drainSeconds * 1000;
  const copyEtcd = (cluster: ClusterView): Promise<unknown> => parts.access.snapshots.take(cluster);
  const removal = new MemberRemoval({ ...shared, access, timers, log, drainMs, copyEtcd });
  const guards = [quorumGuard(shared), lastControlPlaneGuard(shared)];
  const handover = new InitHandover({ ...shared, identities: registry.store.identities });
  return {
    reimage: new Reimage({ registry: machines, guards, removal, clock, limits }),
    clusterTurns: {
      view: (cluster) =>
        turnView(cluster, states.get(cluster.name), {
          machines,
          lastAnswer: (machine) => turns.lastAnswer(machine),
        }),
      giveInit: (cluster, request, source) => handover.give(cluster, request, source),
      unfreeze: (cluster, request, source) => handover.unfreeze(cluster, request, source),
    },
    services: [{ name: "removal of members", service: removal }],
  };
}
