/** How the appliance is, for readyz, `muster status` and the page. */
import { backupArchive } from "../adapters/backup/pack.ts";
import type { ApplianceStatus, ReadinessCheck } from "../adapters/http/appliance-status.ts";
import type { ControlServices } from "../adapters/http/control-ports.ts";
import { packageVersion } from "../config/package-root.ts";
import { decideBoot } from "../domain/boot-decision.ts";
import { needOf } from "../services/assets/assets.ts";
import { takeBackup } from "../services/backup.ts";
import { type DiagnoseOptions, diagnose } from "../services/diagnose.ts";
import type { ListenerStatus } from "../services/ports.ts";
import type { AssetParts } from "./assets.ts";
import type { BootPlane } from "./boot-plane.ts";
import type { ClusterParts } from "./cluster.ts";
import type { Context } from "./context.ts";
import type { RegistryParts } from "./registry.ts";

export type StatusParts = Pick<ControlServices, "status" | "diagnose" | "backup">;

interface Parts {
  readonly registry: RegistryParts;
  readonly assets: AssetParts;
  readonly boot: BootPlane;
  readonly cluster: Pick<ClusterParts, "lastAnswer">;
  readonly listeners: () => readonly ListenerStatus[];
}

export function buildStatus(context: Context, parts: Parts): StatusParts {
  const startedAt = context.clock.now();
  const version = packageVersion();
  const archive = backupArchive({ dataDir: context.config.dataDir });
  return {
    async status(): Promise<ApplianceStatus> {
      return {
        version,
        startedAt,
        address: context.served.address,
        dhcpMode: context.config.dhcp.mode,
        listeners: parts.listeners(),
        checks: [await storeCheck(parts.registry), assetsCheck(parts)],
        rivals: parts.boot.dhcp.foreignServers().map(({ server, seenAt }) => ({ address: server, seenAt })),
      };
    },
    diagnose: (machine) => diagnose(machine, diagnoseOptions(context, parts)),
    backup: () => takeBackup({ store: parts.registry.store, archive, clock: context.clock }),
  };
}

function diagnoseOptions(context: Context, { registry, assets, boot, cluster }: Parts): DiagnoseOptions {
  const { clock, limits } = context;
  return {
    events: registry.events,
    dhcp: { tracesFor: (mac) => boot.dhcp.decisionsFor(mac) },
    decide: (machine) => decideBoot({ machine, assets: assets.assets.status(needOf(machine.spec)), limits }),
    rivals: () => boot.dhcp.foreignServers().map(({ server }) => server),
    turn: (machine) => cluster.lastAnswer(machine),
    clock,
  };
}

async function storeCheck({ store }: RegistryParts): Promise<ReadinessCheck> {
  const health = await store.health();
  return health.ok
    ? { name: "store", state: "ok" }
    : { name: "store", state: "failed", reason: health.reason };
}

/** Machines wait for what is missing, in a boot script that says so; nothing else is held up by it. */
function assetsCheck({ registry, assets }: Parts): ReadinessCheck {
  for (const machine of registry.registry.list()) {
    if (machine.state !== "registered" && machine.state !== "installing") continue;
    const status = assets.assets.status(needOf(machine.spec));
    if (status.kind === "missing") {
      return { name: "assets", state: "degraded", reason: `${machine.name} waits: ${status.reason}` };
    }
  }
  return { name: "assets", state: "ok" };
}
