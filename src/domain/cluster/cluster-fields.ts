/** Field shapes that several parts of a cluster's description share. */
import { z } from "zod";
import { parseIpv4 } from "../../net/ipv4.ts";
import { parseInterfaceAddress } from "../../net/subnet.ts";

const DNS_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

export const portSchema = z.int().min(1).max(65_535);

export const ipSchema = z
  .string()
  .refine((text) => parseIpv4(text) !== undefined, "expected an IPv4 address like 10.0.0.5");

export const dnsNameSchema = z.string().regex(DNS_NAME, "expected a DNS name like kube.example.com");

/** A network; whether it is canonical is judged together with the other networks, with a suggestion. */
export const cidrSchema = z
  .string()
  .refine(
    (text) => parseInterfaceAddress(text) !== undefined,
    "expected a network with its prefix like 10.244.0.0/16",
  );

/** A network or a single address, as firewalls and name servers take both. */
export const addressesSchema = z
  .string()
  .refine(
    (text) => parseIpv4(text) !== undefined || parseInterfaceAddress(text) !== undefined,
    "expected an address or a network like 10.0.0.0/24",
  );

/** A directory of the machines; only what no shell and no configuration file takes for anything else. */
export const directorySchema = z
  .string()
  .regex(/^(\/[A-Za-z0-9][A-Za-z0-9._-]*)+$/, "expected an absolute path of letters, digits, - _ and .");

/** A word that goes into configuration files unquoted. */
export const wordSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.+-]*$/, "expected letters, digits, and _ . + - between them");

/** A release without a leading `v`: 1.36.3 */
export const versionSchema = z
  .string()
  .regex(
    /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/,
    "expected an exact version like 1.36.3; a moving version is never installed",
  );

/** An argument's value; numbers and true/false are taken as they are written. */
const argumentValueSchema = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** Arguments in their order; kubeadm v1beta4 takes them as a list in which a name may come twice. */
export const extraArgsSchema = z
  .array(
    z.strictObject({
      name: z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9-]*$/,
          "expected the name of an argument without the dashes before it, like v",
        )
        .describe("Name of the argument, without dashes"),
      value: argumentValueSchema.describe("Its value"),
    }),
  )
  .default([])
  .meta({ description: "Further arguments, as a list of name and value in their order" });

export const componentSchema = z
  .strictObject({
    extraArgs: extraArgsSchema,
    extraVolumes: z
      .array(
        z.strictObject({
          name: z.string().min(1).describe("Name of the volume"),
          hostPath: z.string().startsWith("/").describe("Path on the host"),
          mountPath: z.string().startsWith("/").describe("Path in the pod"),
          readOnly: z.boolean().default(true).describe("The pod cannot write there"),
          pathType: z
            .enum(["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File"])
            .default("")
            .describe("What must be at the path, or is made there"),
        }),
      )
      .default([])
      .meta({ description: "Paths of the host that the component's pod mounts" }),
  })
  .prefault({});

/** A duration as Kubernetes writes it: 90s, 4m0s, 1h30m. */
export const durationSchema = z
  .string()
  .regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, "expected a duration like 90s or 4m0s");

/** A Kubernetes quantity: 500m, 1Gi, 10% */
export const quantitySchema = z
  .string()
  .regex(/^\d+(\.\d+)?(m|[kKMGTPE]i?|%)?$/, "expected a quantity like 500m, 1Gi or 10%");

/** Settings passed through to the program that owns them. */
export const passThroughSchema = z.record(z.string(), z.unknown()).default({});

export type ExtraArg = z.output<typeof extraArgsSchema>[number];
export type ComponentSpec = z.output<typeof componentSchema>;
