/**
 * Everything one installation of one machine needs to know, as one value: machine and appliance facts in, no text
 * out. The documents (src/services/install) are written from it and from nothing else.
 */
import type { DiskIdentity, Machine } from "../machine.ts";
import type { MachineSpec } from "../machine-spec.ts";
import { diskRuleLine, knownDiskLine } from "./disk-criteria.ts";
import { type HomeNetwork, type Nic, nicsOf } from "./network-config.ts";
import { type PartmanRecipe, partmanRecipe } from "./partman-recipe.ts";

/** Where machines on the boot network reach the appliance. */
export interface ApplianceFacts {
  readonly address: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Undefined when no installer log is received. */
  readonly syslogPort?: number | undefined;
  /** PEM of the CA that signed the control plane's certificate. */
  readonly caCertificate: string;
  /** The network around the machine's own address, where it is known. */
  readonly home?: HomeNetwork | undefined;
}

/** What belongs to this one installation and is known to nobody else. */
export interface InstallCredentials {
  readonly ticket: string;
  /** Exchanged once for a client certificate at first boot. */
  readonly enrolmentSecret: string;
  /** Written on the system disk before anything else, so that the next installer knows it again. */
  readonly diskMarker: string;
}

export interface InstallPlan {
  readonly name: string;
  readonly generation: number;
  readonly domain: string | undefined;
  readonly os: MachineSpec["os"];
  /** Archive name of the release, such as `trixie`. */
  readonly codename: string;
  readonly spec: MachineSpec;
  readonly appliance: ApplianceFacts;
  readonly credentials: InstallCredentials;
  readonly installUrl: string;
  readonly mirrorUrl: string;
  readonly securityUrl: string;
  readonly recipe: PartmanRecipe;
  /** One line per system disk, in order; see {@link diskRuleLine}. */
  readonly diskRules: readonly string[];
  readonly knownDisks: readonly string[];
  /** Marker of the last finished installation. */
  readonly earlierMarker: string | undefined;
  readonly wipe: boolean;
  readonly nics: readonly Nic[];
  readonly packages: readonly string[];
}

/** Names of the releases in the archive, by version. A new release is a new row. */
export const CODENAMES: Readonly<Record<MachineSpec["os"]["version"], string>> = {
  "12": "bookworm",
  "13": "trixie",
};

/** What every installed system has besides Debian's base. */
export const BASE_PACKAGES = [
  "ca-certificates",
  "cloud-init",
  "curl",
  "openssh-server",
  "openssl",
  "sudo",
  "systemd-resolved",
  "systemd-timesyncd",
] as const;

export interface PlanInput {
  readonly machine: Machine;
  readonly generation: number;
  readonly appliance: ApplianceFacts;
  readonly credentials: InstallCredentials;
}

/** The plan of one installation. @throws RangeError for a disk rule that cannot be passed on. */
export function planInstall({ machine, generation, appliance, credentials }: PlanInput): InstallPlan {
  const { spec } = machine;
  const base = `http://${appliance.address}:${appliance.httpPort}`;
  return {
    name: machine.name,
    generation,
    domain: spec.domain,
    os: spec.os,
    codename: CODENAMES[spec.os.version],
    spec,
    appliance,
    credentials,
    installUrl: `${base}/install/${credentials.ticket}`,
    mirrorUrl: `${base}/mirror/debian`,
    securityUrl: `${base}/mirror/debian-security`,
    recipe: partmanRecipe(spec.install),
    diskRules: diskRules(spec),
    knownDisks: machine.systemDisks.map((disk: DiskIdentity) => knownDiskLine(disk)),
    earlierMarker: machine.diskMarker,
    wipe: spec.install.wipe,
    nics: nicsOf(spec, appliance.home),
    packages: packagesOf(spec),
  };
}

function diskRules({ install }: MachineSpec): readonly string[] {
  const rules = Array.isArray(install.disk) ? install.disk : [install.disk];
  return (install.layout === "raid1" ? rules : rules.slice(0, 1)).map((rule) => diskRuleLine(rule));
}

function packagesOf(spec: MachineSpec): readonly string[] {
  return [...new Set([...BASE_PACKAGES, ...spec.packages])].sort();
}
