/** The boot part of a reply: what firmware is told to fetch, and from where. */
import { formatIpv4, type Ipv4 } from "../../net/ipv4.ts";
import { type Mac, macWithHyphens } from "../../net/mac.ts";
import { encodeNoProxyWait } from "../../protocol/dhcp/ipxe-options.ts";
import { OPTION } from "../../protocol/dhcp/option-codes.ts";
import { textBytes } from "../../protocol/dhcp/options.ts";
import { FILE_LENGTH } from "../../protocol/dhcp/packet.ts";
import { type BootItem, encodePxeVendor, USE_BOOT_FILE } from "../../protocol/dhcp/pxe-vendor.ts";
import { type ArchitectureOverride, architectureOf, bootFileFor } from "../architecture.ts";
import type { Machine } from "../machine.ts";
import type { BootClient } from "./boot-client.ts";

export interface BootFields {
  readonly kind: "fields";
  readonly siaddr: Ipv4;
  readonly sname: string;
  readonly file: string;
  readonly options: readonly (readonly [number, Uint8Array])[];
  /** File or URL, as people read it. */
  readonly bootFile: string;
}

/** Why a boot client gets no boot data. */
export interface NoBoot {
  readonly kind: "none";
  readonly because: string;
  readonly reason: "no-boot-file" | "boot-withheld";
}

export interface BootQuestion {
  readonly client: BootClient;
  readonly mac: Mac | undefined;
  readonly machine: Machine | undefined;
  readonly server: Ipv4;
  readonly httpPort: number;
  readonly overrides: readonly ArchitectureOverride[];
  /** Beside another DHCP server the vendor options say that this is a boot server. */
  readonly proxy: boolean;
  readonly bootItem?: BootItem | undefined;
  /** Raw option 97, given back as it came. */
  readonly machineId: Uint8Array | undefined;
}

/** Decides what a boot client fetches. Retired and held machines get nothing and go on to their own disk. */
export function bootFieldsFor(question: BootQuestion): BootFields | NoBoot {
  const { machine, client } = question;
  if (machine?.state === "retired") return withheld("the machine is retired");
  if (machine?.held !== undefined) return withheld(`the machine is held: ${machine.held}`);
  if (client.profile.ownFiles) return firmwareFields(question, "");
  const choice = bootFileFor({
    architectures: client.architectures,
    classes: client.classes,
    overrides: question.overrides,
    machineBootFile: machine?.spec.firmware.bootFile,
  });
  if (client.kind === "ipxe") return ipxeFields(question, choice?.architecture.fullIpxe ?? null);
  if (!choice || choice.bootFile === null) return noFile(client.architectures);
  return client.kind === "http"
    ? httpFields(question, choice.bootFile)
    : firmwareFields(question, choice.bootFile);
}

/**
 * iPXE gets its script. One without HTTP is sent a complete iPXE, once: that one announces HTTP, so it never comes
 * back to this line.
 */
function ipxeFields(question: BootQuestion, fullIpxe: string | null): BootFields | NoBoot {
  if (question.client.speaksHttp) return withText(question, scriptUrl(question), ipxeOptions(question));
  if (fullIpxe === null) return noFile(question.client.architectures);
  return withText(question, fullIpxe, ipxeOptions(question));
}

function firmwareFields(question: BootQuestion, bootFile: string): BootFields {
  const nul = question.client.profile.nulTerminated;
  const fields = withText(
    question,
    bootFile,
    [...vendorOptions(question), ...serverName(question, nul)],
    nul,
  );
  return { ...fields, sname: formatIpv4(question.server) };
}

/** EDK2 drops offers without this vendor class, and reads a TFTP server name as a sign of PXE. */
function httpFields(question: BootQuestion, bootFile: string): BootFields {
  const vendorClass = [OPTION.vendorClass, textBytes("HTTPClient")] as const;
  return withText(question, fileUrl(question, bootFile), [vendorClass]);
}

/** Firmware that is told "PXEClient" without a discovery control would ask port 4011 first, or fail. */
function vendorOptions(question: BootQuestion): readonly (readonly [number, Uint8Array])[] {
  const { menuEntry } = question.client.profile;
  const vendor = encodePxeVendor({
    discoveryControl: USE_BOOT_FILE,
    ...(question.bootItem ? { bootItem: question.bootItem } : {}),
    ...(menuEntry === undefined
      ? {}
      : { menu: [{ type: 0, text: menuEntry }], prompt: { timeoutSeconds: 0, text: "PXE" } }),
  });
  return [
    [OPTION.vendorClass, textBytes("PXEClient")],
    [OPTION.vendorSpecific, vendor],
  ];
}

/** As the DHCP server the offer is complete and iPXE need not wait for another; as proxy it must be known as one. */
function ipxeOptions(question: BootQuestion): readonly (readonly [number, Uint8Array])[] {
  return question.proxy ? vendorOptions(question) : [[OPTION.ipxe, encodeNoProxyWait()]];
}

function serverName(question: BootQuestion, nul: boolean): readonly (readonly [number, Uint8Array])[] {
  return [[OPTION.serverName, textBytes(formatIpv4(question.server), { nul })]];
}

/** A name that does not fit `file` stands in option 67 only; it is never cut. */
function withText(
  question: BootQuestion,
  bootFile: string,
  options: readonly (readonly [number, Uint8Array])[],
  nul = false,
): BootFields {
  const echo = question.machineId;
  return {
    kind: "fields",
    siaddr: question.server,
    sname: "",
    file: Buffer.byteLength(bootFile) < FILE_LENGTH ? bootFile : "",
    bootFile,
    options: [
      ...options,
      ...(echo ? [[OPTION.clientMachineId, echo] as const] : []),
      ...(bootFile === "" ? [] : [[OPTION.bootFile, textBytes(bootFile, { nul })] as const]),
    ],
  };
}

/** URL of a machine's boot script; the suffix tells firmware-integrated iPXE what it is. */
function scriptUrl({ mac, server, httpPort }: BootQuestion): string {
  const name = mac === undefined ? "script" : macWithHyphens(mac);
  return `http://${formatIpv4(server)}:${httpPort}/boot/${name}.ipxe`;
}

function fileUrl({ server, httpPort }: BootQuestion, bootFile: string): string {
  if (/^https?:\/\//.test(bootFile)) return bootFile;
  return `http://${formatIpv4(server)}:${httpPort}/boot/files/${bootFile}`;
}

function withheld(because: string): NoBoot {
  return { kind: "none", reason: "boot-withheld", because };
}

function noFile(architectures: readonly number[]): NoBoot {
  const named = architectures.map((code) => {
    const row = architectureOf(code);
    return row ? `${code} (${row.name})` : String(code);
  });
  const because = `no boot file for architecture ${named.length > 0 ? named.join(", ") : "none given"}`;
  return { kind: "none", reason: "no-boot-file", because };
}
