/** From a machine to its install plan: what only the appliance knows is added here. */
import { createHash } from "node:crypto";
import { MusterError, RenderError } from "../../domain/errors.ts";
import { type ApplianceFacts, type InstallPlan, planInstall } from "../../domain/install/plan.ts";
import type { Machine } from "../../domain/machine.ts";
import type { EnrolmentSecrets } from "./ports.ts";

/** Stands in place of every credential where a document is only shown. */
export const MASKED = "MASKED";

export interface InstallPlansOptions {
  readonly secrets: EnrolmentSecrets;
  /** Where this machine reaches the appliance. */
  readonly appliance: (machine: Machine) => ApplianceFacts;
}

export interface InstallPlans {
  /** The plan of a running installation. */
  planFor(request: {
    readonly machine: Machine;
    readonly generation: number;
    readonly ticket: string;
  }): Promise<InstallPlan>;
  /** The same plan for people to look at: no credential is in it. */
  maskedPlan(machine: Machine): InstallPlan;
}

/** @returns plans whose faults are RenderErrors that name the machine. */
export function createInstallPlans({ secrets, appliance }: InstallPlansOptions): InstallPlans {
  return {
    async planFor({ machine, generation, ticket }) {
      const enrolmentSecret = await secrets.secretFor(machine.name, generation);
      const diskMarker = markerFrom(enrolmentSecret, machine);
      const credentials = { ticket, enrolmentSecret, diskMarker };
      return naming(machine, () =>
        planInstall({ machine, generation, appliance: appliance(machine), credentials }),
      );
    },
    maskedPlan(machine) {
      const credentials = { ticket: `mti_${MASKED}`, enrolmentSecret: MASKED, diskMarker: MASKED };
      return naming(machine, () =>
        planInstall({
          machine: machine.diskMarker === undefined ? machine : { ...machine, diskMarker: MASKED },
          generation: Math.max(1, machine.generation),
          appliance: appliance(machine),
          credentials,
        }),
      );
    },
  };
}

/** Runs a rendering step so that its error names the machine. @throws RenderError */
export function naming<T>(machine: Pick<Machine, "name">, render: () => T): T {
  try {
    return render();
  } catch (error) {
    if (error instanceof MusterError && !(error instanceof RenderError)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new RenderError(`machine ${machine.name}: ${why}`, error);
  }
}

// A name may be registered anew after a machine was removed: its disks must not pass for the new machine's.
function markerFrom(secret: string, machine: Machine): string {
  return createHash("sha256")
    .update(`disk marker\n${machine.createdAt}\n${secret}`)
    .digest("hex")
    .slice(0, 32);
}
