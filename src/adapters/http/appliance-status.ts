/** How the appliance itself is: what `readyz`, `status` and the page's banner are made from. */
import type { ListenerStatus } from "../../services/ports.ts";

/** One part that readiness depends on. */
export interface ReadinessCheck {
  readonly name: string;
  /** `failed` turns readiness red; `degraded` is shown and leaves it green. */
  readonly state: "ok" | "degraded" | "failed";
  readonly reason?: string;
}

/** A DHCP server that is not ours and answered on the boot network. */
export interface RivalServer {
  readonly address: string;
  readonly seenAt: number;
}

export interface ApplianceStatus {
  readonly version: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly address?: string;
  readonly dhcpMode: "off" | "proxy" | "server";
  readonly listeners: readonly ListenerStatus[];
  readonly checks: readonly ReadinessCheck[];
  readonly rivals: readonly RivalServer[];
}

/** Ready unless a check failed. */
export function isReady(status: Pick<ApplianceStatus, "checks">): boolean {
  return status.checks.every((check) => check.state !== "failed");
}

/** Everything a person should know about: listeners and checks that are not as they should be. */
export function complaintsOf(status: ApplianceStatus): readonly string[] {
  return [
    ...status.listeners.flatMap((each) => (each.state === "degraded" ? [each.problem] : [])),
    ...status.checks
      .filter((each) => each.state !== "ok")
      .map((each) => `${each.name}: ${each.reason ?? each.state}`),
    ...status.rivals.map((each) => `another DHCP server answers at ${each.address}`),
  ];
}
