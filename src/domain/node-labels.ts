/** Labels and taints of a node, as people write them and as Kubernetes takes them. */
import { z } from "zod";

const LABEL_KEY =
  /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;
const TAINT = /^([^=:\s]+)(?:=([^:\s]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/;
const labelValueSchema = z
  .union([z.string(), z.number(), z.boolean()])
  .transform(String)
  .refine(
    (text) => LABEL_VALUE.test(text),
    "expected a label's value: at most 63 letters, digits, -, _ and .",
  );

const taintEffectSchema = z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]);

/** A taint as kubectl writes it, or as Kubernetes stores it. */
const taintSchema = z.union([
  z.strictObject({
    key: z
      .string()
      .regex(LABEL_KEY, "expected a taint's key like example.com/dedicated")
      .describe("Key of the taint"),
    value: z.string().regex(LABEL_VALUE).default("").describe("Value of the taint"),
    effect: taintEffectSchema.describe("What happens to pods that do not tolerate it"),
  }),
  z
    .string()
    .regex(TAINT, "expected key=value:NoSchedule or key:NoSchedule")
    .transform((text) => {
      const [, key = "", value = "", effect = ""] = TAINT.exec(text) ?? [];
      return { key, value, effect: taintEffectSchema.parse(effect) };
    }),
]);

export const labelsSchema = z
  .record(z.string().regex(LABEL_KEY, "expected a label like example.com/rack"), labelValueSchema)
  .meta({ description: "Labels of the node" });

export const taintsSchema = z.array(taintSchema).meta({
  description: "Taints of the node: key=value:NoSchedule, or { key, value, effect }",
});

export type Taint = z.output<typeof taintSchema>;
