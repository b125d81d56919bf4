/** What every machine of a cluster is given below Kubernetes: runtime, registries, kernel, firewall, logs. */
import { z } from "zod";
import { labelsSchema } from "../node-labels.ts";
import {
  addressesSchema,
  directorySchema,
  dnsNameSchema,
  ipSchema,
  portSchema,
  quantitySchema,
  versionSchema,
} from "./cluster-fields.ts";

const PACKAGE = /^[a-z0-9][a-z0-9+.-]+$/;
const HOST = /^[a-z0-9][a-z0-9.-]*(:\d+)?$/;

const registrySchema = z.strictObject({
  host: z
    .string()
    .regex(HOST, "expected a registry's host such as dreg0.lan or dreg0.lan:5000")
    .meta({ description: "Registry as image names write it" }),
  mirror: z.url().optional().meta({ description: "URL asked instead of the host itself" }),
  ca: z
    .string()
    .startsWith("-----BEGIN CERTIFICATE-----")
    .optional()
    .meta({ description: "PEM certificate that the registry's own is checked against" }),
});

export const runtimeSchema = z.strictObject({
  containerd: z
    .strictObject({
      source: z
        .enum(["release", "debian"])
        .default("release")
        .meta({ description: "The project's release, or the operating system's package" }),
      version: versionSchema.optional().meta({
        description: "Release of containerd; the one that fits the Kubernetes version when left out",
      }),
      config: z
        .string()
        .optional()
        .meta({ description: "TOML put into a file that containerd's configuration imports" }),
    })
    .prefault({}),
  crictl: z
    .union([z.boolean(), versionSchema])
    .default(true)
    .meta({ description: "Install crictl: the release that fits, an exact one, or false for none" }),
  registries: z
    .array(registrySchema)
    .default([])
    .meta({ description: "Registries that the container runtime trusts or reaches through a mirror" }),
});

const reservationSchema = z
  .strictObject({
    cpu: quantitySchema.optional().describe("Processors, like 500m"),
    memory: quantitySchema.optional().describe("Memory, like 1Gi"),
    ephemeralStorage: quantitySchema.optional().describe("Space on the system disk, like 5Gi"),
  })
  .optional();

export const nodeSchema = z.strictObject({
  sysctls: z
    .record(
      z.string().regex(/^[a-z0-9_]+([./][A-Za-z0-9_-]+)+$/, "expected a name like vm.max_map_count"),
      z.union([z.string().regex(/^[ -~]+$/, "expected one line"), z.number()]).transform(String),
    )
    .default({})
    .meta({ description: "Kernel parameters besides those that Kubernetes needs" }),
  modules: z
    .array(z.string().regex(/^[a-z0-9_-]+$/, "expected the name of a kernel module"))
    .default([])
    .meta({ description: "Kernel modules besides those that Kubernetes needs" }),
  packages: z
    .array(z.string().regex(PACKAGE, "expected a package name"))
    .default([])
    .describe("Packages of the operating system for every machine"),
  firewall: z
    .enum(["off", "nftables"])
    .default("off")
    .meta({ description: "nftables lets in only what the cluster needs; off leaves the machine open" }),
  trustedNetworks: z
    .array(addressesSchema)
    .default([])
    .meta({ description: "Networks besides the nodes' own that the firewall lets reach SSH and the API" }),
  hosts: z
    .array(
      z.strictObject({
        address: ipSchema.describe("Address"),
        names: z.array(dnsNameSchema).min(1).describe("Names it has"),
      }),
    )
    .default([])
    .meta({ description: "Lines of /etc/hosts besides the members and the endpoint" }),
  logRotation: z
    .strictObject({
      maxSize: quantitySchema.default("10Mi").describe("Size at which a new log is begun"),
      maxFiles: z.int().min(2).default(5).describe("Logs kept of each container"),
    })
    .prefault({})
    .meta({ description: "When the kubelet rotates a container's log, and how many it keeps" }),
  reserved: z
    .strictObject({ system: reservationSchema, kube: reservationSchema })
    .prefault({})
    .meta({ description: "Resources kept from pods: for the system, and for Kubernetes itself" }),
  labels: labelsSchema.default({}).meta({ description: "Labels of every node" }),
});

/** A registry that the machine with the role `registry` runs. */
export const registryRoleSchema = z.strictObject({
  name: dnsNameSchema.optional().meta({ description: "Name clients use; the machine's own if left out" }),
  port: portSchema.default(443).describe("Port of the registry"),
  dataDir: directorySchema.default("/var/lib/registry").describe("Where it keeps images"),
  users: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[^:\s]+$/)
          .describe("Name of the user"),
        passwordHash: z
          .string()
          .regex(/^\$2[aby]\$[./A-Za-z0-9$]+$/, "expected a bcrypt hash made by `htpasswd -nB NAME`")
          .describe("bcrypt hash of the password, as `htpasswd -nB NAME` makes it"),
      }),
    )
    .default([])
    .meta({ description: "Who may log in; anyone when empty" }),
});

/** Zones that the machines with the role `dns` serve. */
export const dnsRoleSchema = z.strictObject({
  zone: dnsNameSchema.optional().meta({ description: "Forward zone; the machines' domain if left out" }),
  forwarders: z.array(ipSchema).default([]).describe("Name servers for every other name"),
  allow: z
    .array(addressesSchema)
    .default([])
    .meta({ description: "Networks that may ask, besides the nodes'" }),
  statisticsPort: portSchema.optional().describe("Port of its statistics; none when left out"),
  resolver: z.boolean().default(true).meta({ description: "The other members use it as their resolver" }),
});

export type NodeSettings = z.output<typeof nodeSchema>;
