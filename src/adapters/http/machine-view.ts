/** A machine as the API shows it: the registry's value, a few derived fields, and nothing a viewer should not read. */
import { z } from "zod";
import { INSTALL_STAGES, LIFECYCLE_STATES, type Machine } from "../../domain/machine.ts";
import { machineSpecSchema } from "../../domain/machine-spec.ts";
import type { TokenRole } from "../../services/permissions.ts";

/** The registry's machine with what most readers want at the top. */
export interface MachineView extends Machine {
  readonly mac: string;
  /** Reserved, or else last seen. */
  readonly address?: string;
  /** Percent of the way to installed. */
  readonly progress: number;
}

const HIDDEN = "(hidden)";

/** The view of one machine for a role: viewers do not see password hashes or user-data. */
export function machineView(machine: Machine, role: TokenRole): MachineView {
  const address = machine.spec.address ?? machine.seen?.address;
  return {
    ...machine,
    spec: role === "viewer" ? withoutSecrets(machine.spec) : machine.spec,
    mac: machine.spec.mac,
    ...(address === undefined ? {} : { address }),
    progress: progressOf(machine),
  };
}

/** How far an installation is, in percent: the stages are counted, not timed. */
export function progressOf(machine: Machine): number {
  if (machine.everInstalled && machine.state !== "installing" && machine.state !== "failed") {
    return machine.state === "registered" ? 0 : 100;
  }
  if (machine.state !== "installing" && machine.state !== "failed") return 0;
  if (machine.installFinished) return 95;
  const done = INSTALL_STAGES.indexOf((machine.stage ?? "") as (typeof INSTALL_STAGES)[number]) + 1;
  return 5 + Math.round((done / INSTALL_STAGES.length) * 85);
}

function withoutSecrets(spec: Machine["spec"]): Machine["spec"] {
  const { access, userData } = spec;
  return {
    ...spec,
    access: { ...hidden(access), ...(access.others && { others: access.others.map(hidden) }) },
    ...(userData === undefined ? {} : { userData: { [HIDDEN]: true } }),
  };
}

function hidden<T extends { readonly passwordHash?: string | undefined }>(login: T): T {
  return login.passwordHash === undefined ? login : { ...login, passwordHash: HIDDEN };
}

const time = z.int().meta({ description: "Epoch milliseconds" });

/** The view as a schema, for the OpenAPI document. */
export const machineViewSchema = z.object({
  name: z.string(),
  mac: z.string(),
  address: z.string().optional(),
  state: z.enum(LIFECYCLE_STATES),
  progress: z.int().min(0).max(100).meta({ description: "Percent of the way to installed" }),
  stage: z.string().optional(),
  generation: z.int().meta({ description: "Counts the machine's installations" }),
  held: z.string().optional().meta({ description: "Why nothing boots an installer on it" }),
  failure: z
    .object({
      reason: z.string(),
      cause: z.string(),
      stage: z.string().optional(),
      from: z.string(),
      at: time,
    })
    .optional(),
  bootOverride: z.enum(["local", "rescue", "install"]).optional(),
  everInstalled: z.boolean(),
  installAttempts: z.int(),
  installFinished: z.boolean(),
  systemDisks: z.array(z.record(z.string(), z.unknown())),
  diskMarker: z.string().optional(),
  seen: z.record(z.string(), z.unknown()).optional().meta({ description: "What the network last saw of it" }),
  deadline: time.optional(),
  spec: machineSpecSchema,
  createdAt: time,
  updatedAt: time,
  revision: z.int().meta({ description: "Counts changes; the ETag" }),
});
