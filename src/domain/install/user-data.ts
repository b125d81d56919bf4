/** cloud-init's seed of one machine: what it does once at first boot, beside what the installer already did. */
import { hasPasswords } from "../access-spec.ts";
import type { MachineSpec } from "../machine-spec.ts";
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
    ssh_pwauth: hasPasswords(plan.spec.access),
    ...furtherUsers(plan.spec.access),
    // The installer wrote the sources of packages: cloud-init would replace them.
    apt: { preserve_sources_list: true },
    // The partition table is part of what the wipe guard recognises.
    growpart: { mode: "off" },
    ...plan.spec.userData,
  };
}

/** The installer makes one user; cloud-init the others. Without a password there is nothing sudo could ask for. */
function furtherUsers({ others }: MachineSpec["access"]): Record<string, unknown> {
  if (!others?.length) return {};
  const users = others.map(({ user, sshKeys, passwordHash, sudo }) => ({
    name: user,
    shell: "/bin/bash",
    lock_passwd: passwordHash === undefined,
    ...(passwordHash === undefined ? {} : { hashed_passwd: passwordHash }),
    ...(sshKeys.length === 0 ? {} : { ssh_authorized_keys: sshKeys }),
    ...(sudo ? { sudo: `ALL=(ALL:ALL) ${passwordHash === undefined ? "NOPASSWD: " : ""}ALL` } : {}),
  }));
  return { users };
}
