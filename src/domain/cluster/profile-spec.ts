/** What a profile may say: every field of a machine that several machines can share, and whom it is for. */
import { z } from "zod";
import { machineSpecSchema, nameSchema, ROLES } from "../machine-spec.ts";

/** Fields that a machine may inherit. What is one machine's alone (its MACs, its address) is not among them. */
export const sharedFieldsSchema = machineSpecSchema
  .omit({ mac: true, extraMacs: true, address: true, cluster: true, profile: true })
  .partial();

const selectorSchema = z
  .strictObject({
    clusters: z.array(nameSchema).optional().meta({ description: "Machines of these clusters" }),
    roles: z
      .array(z.enum(ROLES))
      .optional()
      .meta({ description: "Machines with at least one of these roles" }),
    names: z.string().min(1).optional().meta({
      description: "Machines whose name fits a pattern: * stands for any letters, # for one digit",
    }),
  })
  .meta({
    description: "Machines that get this profile without naming it: those that fit every field given here",
  });

export const profileSpecSchema = sharedFieldsSchema.extend({ selector: selectorSchema.optional() });

export type ProfileSelector = z.output<typeof selectorSchema>;
