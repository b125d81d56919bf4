/** Machines for tests: complete and valid, different only where a test says so. */
import type { LifecycleLimits } from "../../src/domain/lifecycle-events.ts";
import type { Machine } from "../../src/domain/machine.ts";
import { type MachineSpecInput, machineSpecSchema } from "../../src/domain/machine-spec.ts";

export const START = 1_750_000_000_000;
export const LIMITS: LifecycleLimits = {
  installAttempts: 3,
  installTimeout: 7_200_000,
  firstBootTimeout: 3_600_000,
  preparingTimeout: 3_600_000,
  waitingTimeout: 1_800_000,
  joiningTimeout: 1_800_000,
};

/** A registered machine that nothing happened to yet. */
export function aMachine(
  fields: Partial<Omit<Machine, "spec">> & { readonly spec?: Partial<MachineSpecInput> } = {},
): Machine {
  const spec = machineSpecSchema.parse({ mac: "52:54:00:12:34:01", ...fields.spec });
  return {
    name: "kube0",
    state: "registered",
    generation: 0,
    everInstalled: false,
    installAttempts: 0,
    installFinished: false,
    systemDisks: [],
    createdAt: START,
    updatedAt: START,
    revision: 1,
    ...fields,
    spec,
  };
}

/** A machine whose first installation finished and whose system reported. */
export function anInstalledMachine(fields: Parameters<typeof aMachine>[0] = {}): Machine {
  return aMachine({
    state: "installed",
    generation: 1,
    everInstalled: true,
    installFinished: true,
    installAttempts: 1,
    systemDisks: [{ path: "/dev/sda", serial: "S1", sizeBytes: 8_000_000_000 }],
    diskMarker: "0123456789abcdef",
    revision: 7,
    ...fields,
  });
}
