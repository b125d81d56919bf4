/** The installer's settings: the one file its scripts read (preseed/scripts). */
import type { InstallPlan } from "./plan.ts";
import { shellAssignments } from "./shell.ts";

/** `settings.sh`: assignments only. The ticket is in it, the enrolment secret is not. */
export function settingsFile(plan: InstallPlan): string {
  const raid = plan.recipe.raid;
  return shellAssignments({
    MACHINE: plan.name,
    GENERATION: plan.generation,
    BASE_URL: plan.installUrl,
    HEALTH_URL: `http://${plan.appliance.address}:${plan.appliance.httpPort}/healthz`,
    SECURITY_URL: plan.securityUrl,
    CODENAME: plan.codename,
    LAYOUT: plan.spec.install.layout,
    DISK_RULES: plan.diskRules.join("\n"),
    WIPE: plan.wipe ? 1 : 0,
    MARKER: plan.credentials.diskMarker,
    EARLIER_MARKER: plan.earlierMarker ?? "",
    KNOWN_DISKS: plan.knownDisks.join("\n"),
    METHOD: plan.recipe.method,
    RECIPE_BIOS: plan.recipe.expert.bios,
    RECIPE_UEFI: plan.recipe.expert.uefi,
    RAID_BIOS: raid?.bios ?? "",
    RAID_UEFI: raid?.uefi ?? "",
    LOGIN_USER: plan.spec.access.user,
  });
}
