/** What every part of one running appliance is built with. */
import type { AttachedNetwork } from "../adapters/network/interfaces.ts";
import type { Metrics } from "../adapters/telemetry/metrics.ts";
import type { Config } from "../config/schema.ts";
import type { LifecycleLimits } from "../domain/lifecycle-events.ts";
import type { Clock, Log } from "../services/ports.ts";
import type { Timers } from "../services/timers.ts";

export interface Context {
  readonly config: Config;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The network that machines boot on; its address is the appliance's. */
  readonly served: AttachedNetwork;
  readonly limits: LifecycleLimits;
  /** Serve DHCP although another server answers (D-93). */
  readonly force: boolean;
}

/** How often and how long an installation may try, from the configuration. */
export function lifecycleLimits({ install, cluster }: Config): LifecycleLimits {
  return {
    installAttempts: install.attempts,
    installTimeout: install.timeoutSeconds * 1000,
    firstBootTimeout: install.firstBootTimeoutSeconds * 1000,
    preparingTimeout: cluster.preparingTimeoutSeconds * 1000,
    waitingTimeout: cluster.waitingTimeoutSeconds * 1000,
    joiningTimeout: cluster.joiningTimeoutSeconds * 1000,
  };
}
