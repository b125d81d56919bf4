/** How the appliance is, for readyz, `muster status` and the page. */
import { backupArchive } from "../adapters/backup/pack.ts";
import type { ApplianceStatus, ReadinessCheck } from "../adapters/http/appliance-status.ts";
import type { ControlServices } from "../adapters/http/control-ports.ts";
import { decideBoot } from "../domain/boot-decision.ts";
import { macsOf } from "../domain/machine.ts";
import { needOf } from "../services/assets/assets.ts";
import { takeBackup } from "../services/backup.ts";
import type { ListenerStatus } from "../services/ports.ts";
import type { AssetParts } from "./assets.ts";
import type { BootPlane } from "./boot-plane.ts";
import type { Context } from "./context.ts";
import { packageVersion } from "./package-root.ts";
import type { RegistryParts } from "./registry.ts";

export type StatusParts = Pick<ControlServices, "status" | "diagnose" | "backup">;

interface Parts {
  readonly registry: RegistryParts;
  readonly assets: AssetParts;
  readonly boot: BootPlane;
  readonly listeners: () => readonly ListenerStatus[];
}

export function buildStatus(context: Context, parts: Parts): StatusParts {
  const startedAt = context.clock.now();
  const version = packageVersion();
  return {
    async status(): Promise<ApplianceStatus> {
      return {
        version,
        startedAt,
        address: context.served.address,
        dhcpMode: context.config.dhcp.mode,
        listeners: parts.listeners(),
        checks: [await storeCheck(parts.registry)],
        rivals: parts.boot.dhcp
          .foreignServers()
          .map(({ server }) => ({ address: server, seenAt: context.clock.now() })),
      };
    },
    diagnose(machine) {
      const { kind, reason } = decideBoot({
        machine,
        assets: parts.assets.assets.status(needOf(machine.spec)),
        limits: context.limits,
      });
      const packets = macsOf(machine.spec).flatMap((mac) => parts.boot.dhcp.decisionsFor(mac));
      const summary = `${machine.name} is ${machine.state}`;
      return Promise.resolve({ summary, findings: [], nextBoot: { kind, reason }, packets });
    },
    backup: () =>
      takeBackup({
        store: parts.registry.store,
        archive: backupArchive({ dataDir: context.config.dataDir }),
        clock: context.clock,
      }),
  };
}

async function storeCheck({ store }: RegistryParts): Promise<ReadinessCheck> {
  const health = await store.health();
  return health.ok
    ? { name: "store", state: "ok" }
    : { name: "store", state: "failed", reason: health.reason };
}
