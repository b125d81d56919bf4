/** How machines become clusters: turns, tokens, secrets, payloads, and the node routes that hand them out. */

import type { ClusterTurns } from "../adapters/http/control-ports.ts";
import type { MemberServices } from "../adapters/http/node-member-routes.ts";
import { createAddressProbe } from "../adapters/network/address-holder.ts";
import { createNunjucksTemplates } from "../adapters/templates/nunjucks-templates.ts";
import { PACKAGE_ROOT } from "../config/package-root.ts";
import { isBanished } from "../domain/cluster/cluster-record.ts";
import type { ClusterView } from "../domain/cluster/members.ts";
import { AddonsTurns } from "../services/cluster/addons-turns.ts";
import { keepClusterInfo } from "../services/cluster/cluster-info.ts";
import { ClusterLook } from "../services/cluster/cluster-look.ts";
import { EndpointCheck } from "../services/cluster/endpoint-check.ts";
import { JoinTokens } from "../services/cluster/join-tokens.ts";
import { NodeSecrets } from "../services/cluster/node-secrets.ts";
import { PayloadDelivery } from "../services/cluster/payload-delivery.ts";
import { secretFilesOf } from "../services/cluster/pki-files.ts";
import { TurnGrants } from "../services/cluster/turn-grants.ts";
import { TurnKeeper } from "../services/cluster/turn-keeper.ts";
import type { LastAnswer } from "../services/cluster/turn-reply.ts";
import { TurnReports } from "../services/cluster/turn-reports.ts";
import { Turns } from "../services/cluster/turns.ts";
import { NodePayloads } from "../services/node/payload.ts";
import { NodeReports } from "../services/node-reports.ts";
import type { Reimage } from "../services/reimage.ts";
import type { AddonParts } from "./addons.ts";
import { applianceFacts } from "./appliance-facts.ts";
import type { ClusterAccessParts } from "./cluster-access.ts";
import { buildClusterDecisions } from "./cluster-decisions.ts";
import type { Context } from "./context.ts";
import type { IdentityParts } from "./identity.ts";
import type { ImageParts } from "./images.ts";
import type { RegistryParts } from "./registry.ts";
import type { ResourceParts } from "./resources.ts";
import type { NamedService } from "./service-stack.ts";

interface Parts {
  readonly registry: RegistryParts;
  readonly resources: ResourceParts;
  readonly identity: IdentityParts;
  readonly images: ImageParts;
  readonly access: ClusterAccessParts;
  readonly addons: Pick<AddonParts, "manifestsOf">;
}

export interface ClusterParts {
  /** What machines ask for on their way into a cluster. */
  readonly members: MemberServices;
  readonly nodeReports: NodeReports;
  readonly reimage: Reimage;
  /** What a machine was told when it asked last for its turn. */
  readonly lastAnswer: (machine: string) => LastAnswer | undefined;
  readonly clusterTurns: ClusterTurns;
  readonly payloads: NodePayloads;
  readonly services: readonly NamedService[];
}

/** A control plane that applies add-ons and is not heard for this long is followed by another. */
const ADDONS_PATIENCE_MS = 900_000;

export function buildCluster(context: Context, parts: Parts): ClusterParts {
  const { clock } = context;
  const { registry, resources, access } = parts;
  const { clusters } = resources.resources;
  const { events, clusterStates: states, registry: machines } = registry;
  const endpoint = new EndpointCheck({ states, probe: addressProbe(context), events, clock });
  const payloads = buildPayloads(context, parts);
  const delivery = new PayloadDelivery({ clusters, states, machines, endpoint, payloads, clock });
  const addonsTurns = new AddonsTurns({ clusters, states, events, clock, patienceMs: ADDONS_PATIENCE_MS });
  const secrets = new NodeSecrets({
    clusters,
    states,
    machines,
    identities: registry.store.identities,
    filesOf: (what) => secretFilesOf(access.pki, what),
    events,
    clock,
  });
  const look = new ClusterLook({ access: access.access, clock });
  const { turns, reports, keeper } = buildTurns(context, parts, { endpoint, secrets, look });
  const decisions = buildClusterDecisions(context, { registry, resources, access, look, turns });
  return {
    members: {
      turns,
      addonsTurns,
      secrets,
      payloads: delivery,
      addons: parts.addons.manifestsOf,
      routesFor: (machine) => access.observer.routesOf(clusters.ofMachine(machine)?.name ?? ""),
      banished: (presented) => {
        const cluster = clusters.ofMachine(presented.machine);
        if (!cluster || !isBanished(states.get(cluster.name), presented)) return undefined;
        return { action: "leave", reason: "a person declared this machine gone; it has to be reimaged" };
      },
    },
    nodeReports: new NodeReports({
      registry: machines,
      events,
      clock,
      members: {
        step: (node, report) => reports.report(node, report),
        secretsKept: (node) => secrets.kept(node),
      },
    }),
    payloads,
    reimage: decisions.reimage,
    lastAnswer: (machine) => turns.lastAnswer(machine),
    clusterTurns: decisions.clusterTurns,
    services: [{ name: "turns", service: keeper }, ...decisions.services],
  };
}

function buildTurns(
  { config, clock, timers, log }: Context,
  { registry, resources, identity, access: opened }: Parts,
  {
    endpoint,
    secrets,
    look,
  }: { readonly endpoint: EndpointCheck; readonly secrets: NodeSecrets; readonly look: ClusterLook },
): { readonly turns: Turns; readonly reports: TurnReports; readonly keeper: TurnKeeper } {
  const { clusters } = resources.resources;
  const { access } = opened;
  const { events, clusterStates: states, registry: machines } = registry;
  const beforeJoin = (cluster: ClusterView): Promise<void> =>
    keepClusterInfo({ pki: opened.pki, access, events, log }, cluster);
  const tokens = new JoinTokens({ access, states, clock, log, key: identity.keys.joinTokens, beforeJoin });
  const keeper = new TurnKeeper({ clusters, states, tokens, timers, log });
  const joinTurnMs = config.cluster.joinTurnSeconds * 1000;
  const grants = new TurnGrants({ access, machines, look, tokens, secrets, events, clock, joinTurnMs });
  const { workersAtOnce } = config.cluster;
  const turnEnded = (): void => void keeper.sweep();
  return {
    turns: new Turns({ clusters, states, machines, look, endpoint, grants, events, clock, workersAtOnce }),
    reports: new TurnReports({ clusters, states, machines, look, tokens, events, clock, turnEnded }),
    keeper,
  };
}

function buildPayloads(
  context: Context,
  { registry, resources, identity, images, access }: Parts,
): NodePayloads {
  const templates = createNunjucksTemplates({
    root: PACKAGE_ROOT,
    directories: ["boot-templates"],
    autoescape: false,
    compile: () => false,
  });
  return new NodePayloads({
    clusters: resources.resources.clusters,
    pki: access.pki,
    releases: images.releases,
    templates,
    appliance: (machine) =>
      applianceFacts(context, { identity, resources }, registry.registry.byName(machine)),
  });
}

function addressProbe({ served, log }: Context): ReturnType<typeof createAddressProbe> {
  return createAddressProbe({ interface: served.interface, log });
}
