/**
 * What a person says about one machine: the `spec` of a `Machine` resource, of `POST /api/v1/machines`
 * and of `muster register`. One schema; every boundary parses with it and nothing else defines these fields.
 */
import { z } from "zod";
import { parseIpv4 } from "../net/ipv4.ts";
import { isStationMac, parseMac } from "../net/mac.ts";
import { parseInterfaceAddress } from "../net/subnet.ts";
import { accessSchema } from "./access-spec.ts";
import { argumentFault, MAX_OWN_ARGUMENTS } from "./install/kernel-arguments.ts";
import { labelsSchema, taintsSchema } from "./node-labels.ts";

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
// The kernel's own (mitigations=off) and the installer's questions (owner:template/name=answer).
const KERNEL_ARGUMENT =
  /^(?:[a-z0-9][a-z0-9+.-]*:)?[A-Za-z0-9][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9][A-Za-z0-9_.-]*)*(?:=[!-~]*)?$/;
const GROUP_MAC = "its first octet is odd, which marks a group, or it is all zeroes";
const PACKAGE = /^[a-z0-9][a-z0-9+.-]+$/;

export const macSchema = z
  .string()
  .transform((text, context) => {
    const mac = parseMac(text);
    if (mac && isStationMac(mac)) return mac;
    const message = mac
      ? `${mac} is no machine's own address: ${GROUP_MAC}`
      : `"${text}" is not a MAC address; write it like 52:54:00:12:34:01`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  })
  .meta({ description: "Hardware address, for example 52:54:00:12:34:01" });

export const nameSchema = z
  .string()
  .regex(DNS_LABEL, "a name is a DNS label: lower-case letters, digits and hyphens, at most 63")
  .meta({ description: "Name of the machine, also its host name", example: "kube0" });

const ipSchema = z
  .string()
  .refine((text) => parseIpv4(text) !== undefined, "expected an IPv4 address like 10.0.0.5");
const cidrSchema = z
  .string()
  .refine(
    (text) => parseInterfaceAddress(text) !== undefined,
    "expected an address with its prefix like 10.0.0.5/24",
  );
const hostSchema = z.string().regex(DNS_NAME, "expected a host name or an address");
/** A size in bytes: a number, or a text such as `512MiB`, `20GB`, `4TB`. */
const sizeSchema = z
  .union([
    z.int().positive(),
    z.string().regex(/^\d+(\.\d+)?\s*([KMGT]i?)?B?$/i, "expected a size like 20GB or 512MiB"),
  ])
  .meta({ description: "A size: bytes, or a text like 20GB (powers of 1000) or 512MiB (powers of 1024)" });

/** Which disk becomes the system disk. Every given field must match; `match` picks among those left. */
export const diskRuleSchema = z
  .strictObject({
    match: z
      .enum(["largest", "smallest", "only"])
      .optional()
      .describe("Which of the disks that fit the other fields"),
    serial: z.string().min(1).optional().describe("Serial number of the disk"),
    wwn: z.string().min(1).optional().describe("World wide name of the disk"),
    path: z
      .string()
      .startsWith("/dev/")
      .optional()
      .describe("Path of the device; better a link below /dev/disk/by-path than a name that changes"),
    model: z.string().min(1).optional().describe("Model of the disk"),
    rotational: z.boolean().optional().describe("A disk that turns, or one that does not"),
    minSize: sizeSchema.optional(),
    maxSize: sizeSchema.optional(),
  })
  .meta({ description: "Rule that names the install disk; it must single out exactly one" });

export const installSchema = z.strictObject({
  disk: z
    .union([diskRuleSchema, z.tuple([diskRuleSchema, diskRuleSchema])])
    .default({ match: "only" })
    .describe("Rule that names the install disk; two rules for raid1"),
  layout: z
    .enum(["regular", "lvm", "raid1"])
    .default("regular")
    .describe("Partitions, LVM, or a mirror of two disks"),
  filesystem: z.enum(["ext4", "xfs"]).default("ext4").describe("File system of the root"),
  swap: sizeSchema.optional().meta({ description: "Size of a swap partition; none when left out" }),
  wipe: z.boolean().default(false).meta({ description: "Overwrite whatever the install disk holds" }),
});

export const interfaceSchema = z.strictObject({
  mac: macSchema,
  address: cidrSchema.optional().meta({ description: "Static address with prefix; DHCP when left out" }),
  gateway: ipSchema.optional().describe("Default gateway by this NIC"),
  dns: z.array(ipSchema).optional().describe("Name servers by this NIC"),
  optional: z.boolean().default(false).meta({ description: "The machine may boot without this NIC" }),
});

export const osSchema = z
  .union([
    z.strictObject({
      name: z.literal("debian").describe("The distribution"),
      version: z.enum(["12", "13"]).describe("Its release"),
      architecture: z.enum(["amd64", "arm64"]).default("amd64").describe("Processor architecture"),
    }),
    z
      .string()
      .regex(/^debian-(12|13)$/, "expected debian-12 or debian-13")
      .transform((text) => ({
        name: "debian" as const,
        version: text.slice("debian-".length) as "12" | "13",
        architecture: "amd64" as const,
      })),
  ])
  .meta({ description: 'Operating system: { name: debian, version: "13" } or debian-13' });

const dataDiskSchema = z.strictObject({
  disk: diskRuleSchema,
  purpose: z.enum(["data", "metadata", "fast"]).default("data").meta({
    description: "data for objects, metadata for a write-ahead log or database, fast for a pool of its own",
  }),
  blank: z
    .boolean()
    .default(true)
    .meta({ description: "Refuse to hand the disk to storage when it already holds something" }),
});

export const ROLES = [
  "control-plane",
  "worker",
  "etcd",
  "load-balancer",
  "storage",
  "dns",
  "registry",
  "admin",
] as const;

export const machineSpecSchema = z.strictObject({
  mac: macSchema.meta({ description: "The MAC that boots from the network" }),
  extraMacs: z
    .array(macSchema)
    .default([])
    .meta({ description: "Further MACs of the machine that may network-boot" }),
  os: osSchema.prefault("debian-13"),
  install: installSchema.prefault({}),
  address: ipSchema
    .optional()
    .meta({ description: "Address reserved for the boot MAC; given out by DHCP in server mode" }),
  interfaces: z.array(interfaceSchema).default([]).describe("NICs that are more than one that asks DHCP"),
  domain: z
    .string()
    .regex(DNS_NAME, "expected a DNS domain")
    .optional()
    .describe("Domain of its name, and search domain"),
  access: accessSchema.prefault({}),
  timezone: z
    .string()
    .regex(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/, "expected a zone such as Europe/Berlin")
    .default("Etc/UTC")
    .describe("Time zone"),
  locale: z
    .string()
    .regex(/^[A-Za-z_]+(\.[A-Za-z0-9-]+)?$/, "expected a locale such as en_US.UTF-8")
    .default("en_US.UTF-8")
    .describe("Language of messages"),
  keyboard: z
    .string()
    .regex(/^[a-z]{2,}$/)
    .default("us")
    .describe("Keyboard of the console"),
  ntp: z.array(hostSchema).default([]).describe("Time servers; the distribution's when empty"),
  packages: z
    .array(z.string().regex(PACKAGE, "expected a package name"))
    .default([])
    .describe("Packages besides the usual ones"),
  firmwarePackages: z
    .array(z.string().regex(PACKAGE, "expected a package name"))
    .default([])
    .meta({ description: "Firmware packages added to the installer's initrd, for NICs that need one" }),
  kernelArguments: z
    .array(
      z
        .string()
        .regex(KERNEL_ARGUMENT, "expected one kernel argument")
        .refine(
          (text) => argumentFault(text) === undefined,
          "a boot script would change it: no quotes, backslashes or ${",
        ),
    )
    .max(MAX_OWN_ARGUMENTS, `expected ${MAX_OWN_ARGUMENTS} at most: a kernel panics at too many`)
    .default([])
    .meta({
      description:
        "Arguments of the installer's kernel, which the installed system keeps; an answer to one of the installer's own " +
        "questions (base-installer/initramfs-tools/driver-policy=dep) is for the installer alone",
    }),
  console: z
    .string()
    .regex(/^tty[A-Za-z]*\d+(,\d+[noe]?\d?)?$/, "expected a console such as ttyS0,115200")
    .optional()
    .describe("Serial console of the installer and the system"),
  userData: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({ description: "cloud-config merged into the machine's own; its keys win" }),
  firmware: z
    .strictObject({
      localBoot: z
        .enum(["auto", "exit", "sanboot", "chain-esp"])
        .default("auto")
        .describe("How the firmware is told to boot its own disk"),
      bootFile: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "Boot file, or URL for HTTP boot, instead of the one for its architecture" }),
    })
    .prefault({})
    .meta({ description: "Firmware quirks of this machine" }),
  cluster: nameSchema.optional().meta({ description: "Cluster that the machine belongs to" }),
  profile: nameSchema.optional().meta({ description: "Profile that the machine inherits" }),
  roles: z.array(z.enum(ROLES)).default([]).describe("What the machine is for in its cluster"),
  labels: labelsSchema.optional(),
  taints: taintsSchema.optional(),
  dataDisks: z
    .array(dataDiskSchema)
    .optional()
    .meta({ description: "Disks kept for storage: never touched by an installation" }),
  size: z
    .strictObject({
      cpus: z.int().positive().optional().describe("Processors"),
      memory: sizeSchema.optional(),
      disk: sizeSchema.optional(),
    })
    .optional()
    .meta({
      description: "What the machine has, where a person says so: checked against what its roles need",
    }),
  host: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "The physical machine this one runs on, where it is a virtual one" }),
});

/** A machine's spec after parsing: defaults filled in, MACs canonical. */
export type MachineSpec = z.output<typeof machineSpecSchema>;
/** A machine's spec as a person writes it. */
export type MachineSpecInput = z.input<typeof machineSpecSchema>;
export type DiskRule = z.output<typeof diskRuleSchema>;
export type InstallSpec = z.output<typeof installSchema>;
export type InterfaceSpec = z.output<typeof interfaceSchema>;
export type OperatingSystem = z.output<typeof osSchema>;
export type Role = (typeof ROLES)[number];
export type DataDisk = z.output<typeof dataDiskSchema>;
