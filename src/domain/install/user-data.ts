/** cloud-init's seed of one machine: what it does once at first boot, beside what the installer already did. */
import type { InstallPlan } from "./plan.ts";

/** The datasource's facts. A new installation is a new instance, so that cloud-init runs again. */
export function metaData(plan: InstallPlan): object {
  return {
    "instance-id": `${plan.name}-${plan.generation}`,
    "local-hostname": plan.name,
    // The seed is on disk: nothing of it waits for a network.
    dsmode: "local",
  };
}

/** The machine's cloud-config; keys of the spec's `userData` win over ours. */
export function userData(plan: InstallPlan): Record<string, unknown> {
  return {
    hostname: plan.name,
    ...(plan.domain ? { fqdn: `${plan.name}.${plan.domain}` } : {}),
    manage_etc_hosts: true,
    disable_root: true,
    ssh_pwauth: plan.spec.access.passwordHash !== undefined,
    // The installer wrote the sources of packages: cloud-init would replace them.
    apt: { preserve_sources_list: true },
    // The partition table is part of what the wipe guard recognises.
    growpart: { mode: "off" },
    ...plan.spec.userData,
  };
}
