/** Boot scripts are written for one of two programs: iPXE, and the signed GRUB that Secure Boot starts. */
import { type Mac, macWithHyphens } from "../../net/mac.ts";
import { checkBootScript, checkGrubScript, type DocumentFault } from "./document-checks.ts";

export type BootScriptName = "boot" | "install" | "local" | "wait";

export interface BootDialect {
  /** Path of a script's template, from the product's root. */
  readonly templateOf: (name: BootScriptName) => string;
  /** The first fault of a rendered script. */
  readonly check: (text: string) => DocumentFault | undefined;
  /** Where the program finds a file of the boot plane (a path below `/boot/files`); `base` is the appliance's URL. */
  readonly fileAt: (base: string, path: string) => string;
  /** Where it finds a machine's script. */
  readonly scriptAt: (base: string, mac: Mac) => string;
  /** One argument of a kernel as it stands in a script; it holds neither quotes nor spaces. */
  readonly argument: (text: string) => string;
}

/** iPXE fetches everything by HTTP. */
export const IPXE: BootDialect = {
  templateOf: (name) => `boot-templates/ipxe/${name}.ipxe`,
  check: checkBootScript,
  fileAt: (base, path) => base + path,
  scriptAt: (base, mac) => `${base}/boot/${macWithHyphens(mac)}.ipxe`,
  argument: (text) => text,
};

/** GRUB fetches everything from the server that it was loaded from, by TFTP or by HTTP: its paths are the same there and there. */
export const GRUB: BootDialect = {
  templateOf: (name) => `boot-templates/grub/${name}.cfg`,
  check: checkGrubScript,
  fileAt: (_base, path) => path,
  scriptAt: (_base, mac) => `/grub/${mac}.cfg`,
  argument: (text) => `'${text}'`,
};

const GRUB_SCRIPT = /^grub\/([0-9a-f]{2}(?::[0-9a-f]{2}){5})\.cfg$/;

/** The MAC whose script GRUB asks for by this path; undefined for any other path. */
export function macOfGrubScript(path: string): string | undefined {
  return GRUB_SCRIPT.exec(path.toLowerCase())?.[1];
}
