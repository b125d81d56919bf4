/** Builds one appliance from its configuration and runs it: the only place that knows every part. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type RestoreReport, restoreBackup } from "./adapters/backup/restore.ts";
import { systemClock, systemTimers } from "./adapters/host/system-clock.ts";
import { attachedNetworks, refuseAmbiguousNetworks, servedNetwork } from "./adapters/network/interfaces.ts";
import { Metrics } from "./adapters/telemetry/metrics.ts";
import { createLog } from "./adapters/telemetry/pino-log.ts";
import { buildAddons } from "./compose/addons.ts";
import { assetsDirectory, buildAssets } from "./compose/assets.ts";
import { buildBootPlane } from "./compose/boot-plane.ts";
import { buildCluster } from "./compose/cluster.ts";
import { buildClusterAccess } from "./compose/cluster-access.ts";
import { type Context, lifecycleLimits } from "./compose/context.ts";
import { buildControlPlane, type ControlPlane } from "./compose/control-plane.ts";
import { buildIdentity } from "./compose/identity.ts";
import { buildImages } from "./compose/images.ts";
import { adoptInherited, type InheritedParts } from "./compose/inherited.ts";
import { buildRegistry } from "./compose/registry.ts";
import { buildResources } from "./compose/resources.ts";
import { ServiceStack } from "./compose/service-stack.ts";
import { buildStatus } from "./compose/status.ts";
import { fileReason } from "./config/file-reason.ts";
import { packageVersion } from "./config/package-root.ts";
import type { Config } from "./config/schema.ts";
import { ConfigError } from "./domain/errors.ts";
import type { ListenerStatus } from "./services/ports.ts";

export interface RunOptions {
  /** Serve DHCP although another DHCP server answers. */
  readonly force: boolean;
  /** Ends a start that is under way. */
  readonly signal: AbortSignal;
}

/** A running appliance, as far as whoever started it needs to know it. */
export interface Appliance {
  /** Address of the control plane, like `https://10.0.0.2:8443`. */
  readonly controlAddress: string;
  /** Address of the boot plane, like `http://10.0.0.2:8080`. */
  readonly bootAddress: string;
  readonly caFile: string;
  readonly adminTokenFile: string;
  /** The admin token itself, when this start has made it. */
  readonly newAdminToken: string | undefined;
  /** What is served only in part, and the fix. */
  readonly complaints: readonly string[];
  stop(): Promise<void>;
}

/**
 * Starts an appliance and resolves once it serves.
 * @throws ConfigError for a configuration that cannot be served on this host; ConflictError naming the holder of a taken
 * port; MusterError `unavailable` when the data directory cannot be used.
 */
export async function runAppliance(config: Config, options: RunOptions): Promise<Appliance> {
  const { context, inherited } = await openContext(config, options);
  const { log, served } = context;
  const stopping = new AbortController();
  const stack = new ServiceStack(log);
  const registry = buildRegistry(context);
  try {
    const resources = buildResources(
      context,
      registry,
      (name) => registry.clusterStates.get(name).init.phase !== "none",
    );
    const identity = await buildIdentity(context, registry);
    const assets = await buildAssets(context, registry);
    const images = await buildImages(context, registry);
    const access = await buildClusterAccess(context, { registry, resources });
    const addons = buildAddons(context, { registry, resources, images, access });
    const cluster = buildCluster(context, { registry, resources, identity, images, access, addons });
    const boot = buildBootPlane(context, { registry, resources, assets, images, identity, inherited });
    const listeners = (): readonly ListenerStatus[] => [...boot.listeners(), ...control.server.status()];
    const status = buildStatus(context, { registry, assets, boot, cluster, listeners });
    const control: ControlPlane = buildControlPlane(context, {
      registry,
      resources,
      cluster,
      access,
      addons,
      assets,
      images,
      identity,
      boot,
      status,
      listeners,
      stopping: stopping.signal,
    });
    const newAdminToken = await control.ensureAdminToken();
    await stack.start(
      [
        ...registry.services,
        ...resources.services,
        ...assets.services,
        ...images.services,
        ...access.services,
        ...cluster.services,
        ...addons.services,
        { name: "control plane", service: control.server },
        ...boot.services,
      ],
      options.signal,
    );
    return {
      controlAddress: `https://${served.address}:${control.server.port ?? config.https.port}`,
      bootAddress: `http://${served.address}:${config.http.port}`,
      caFile: identity.caFile,
      adminTokenFile: control.adminTokenFile,
      newAdminToken,
      complaints: listeners().flatMap((each) => (each.state === "degraded" ? [each.problem] : [])),
      stop: () => {
        stopping.abort();
        return stack.stop();
      },
    };
  } catch (error) {
    await stack.stop();
    await registry.store.close();
    throw error;
  }
}

/**
 * Puts a backup in the place of this configuration's state; no appliance may serve from it meanwhile.
 * @throws MusterError `not-verified` for a damaged file, ConflictError without `replace` where there is state already.
 */
export function restoreAppliance(
  config: Config,
  options: { readonly file: string; readonly replace: boolean },
): Promise<RestoreReport> {
  const { dataDir } = config;
  return restoreBackup({
    ...options,
    dataDir,
    assetsDirectory: assetsDirectory(config),
    clock: systemClock,
    limits: lifecycleLimits(config),
  });
}

async function makeDataDirectory(directory: string): Promise<void> {
  try {
    await makeEach(directory);
  } catch (error) {
    throw new ConfigError(`the data directory ${directory} cannot be made: ${fileReason(error)}`);
  }
}

/** What is missing of a path, from the top: Node's own way never ends where a file system takes no directories (/proc). */
async function makeEach(directory: string): Promise<void> {
  const parent = path.dirname(directory);
  if (!existsSync(parent)) await makeEach(parent);
  await mkdir(directory, { recursive: existsSync(directory), mode: 0o700 });
}

async function openContext(
  config: Config,
  options: RunOptions,
): Promise<{ readonly context: Context; readonly inherited: InheritedParts }> {
  await makeDataDirectory(config.dataDir);
  const attached = await attachedNetworks();
  const { network, dhcp } = config;
  const served = servedNetwork(
    { mode: dhcp.mode, interface: network.interface, address: network.address },
    attached,
  );
  const inherited = await adoptInherited({ environment: process.env, pid: process.pid, attached });
  const withOwnSocket = inherited.interfaces;
  refuseAmbiguousNetworks({ subnets: network.subnets, served, attached, withOwnSocket });
  const context: Context = {
    config,
    clock: systemClock,
    timers: systemTimers,
    log: createLog({ ...config.log, stream: process.stdout }),
    metrics: new Metrics({ version: packageVersion() }),
    served,
    limits: lifecycleLimits(config),
    force: options.force,
  };
  return { context, inherited };
}
