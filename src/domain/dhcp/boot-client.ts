/** What kind of network boot, if any, a packet asks for. */
import { decodeArchitectures } from "../../protocol/dhcp/client-architecture.ts";
import { decodeIpxeFeatures, IPXE_FEATURE } from "../../protocol/dhcp/ipxe-options.ts";
import { MESSAGE_TYPE, OPTION } from "../../protocol/dhcp/option-codes.ts";
import { decodeUserClasses } from "../../protocol/dhcp/user-class.ts";
import { type FirmwareProfile, firmwareProfileOf } from "../architecture.ts";
import type { ClientRequest } from "./client-request.ts";

/** Firmware that boots from the network; `ipxe` stands for any iPXE, in ROM or chained. */
export interface BootClient {
  readonly kind: "pxe" | "http" | "ipxe";
  /** Codes of option 93, the preferred first. */
  readonly architectures: readonly number[];
  /** Vendor class and user classes, for overrides. */
  readonly classes: readonly string[];
  readonly profile: FirmwareProfile;
  /** iPXE only: it can fetch its script by HTTP. */
  readonly speaksHttp: boolean;
}

const IPXE_CLASS = "iPXE";
/** User class of an iPXE that boot scripts have marked as complete. */
const OWN_CLASS = "muster";

/** Classifies a request; undefined for everything that does not boot from the network. */
export function bootClientOf(request: ClientRequest): BootClient | undefined {
  const { options } = request.packet;
  const vendorClass = options.text(OPTION.vendorClass) ?? "";
  const userClass = options.get(OPTION.userClass);
  const userClasses = userClass ? decodeUserClasses(userClass) : [];
  const encapsulated = options.get(OPTION.ipxe);
  const own = userClasses.includes(OWN_CLASS);
  const isIpxe = own || encapsulated !== undefined || userClasses.includes(IPXE_CLASS);
  const kind = isIpxe ? "ipxe" : kindOf(request, vendorClass);
  if (!kind) return undefined;
  const architectures = decodeArchitectures(options);
  return {
    kind,
    architectures,
    classes: [vendorClass, ...userClasses],
    profile: profileOf(request, architectures),
    speaksHttp: own || !encapsulated || canHttp(decodeIpxeFeatures(encapsulated)),
  };
}

/** An option 175 that announces nothing comes from programs that only imitate iPXE's option. */
function canHttp(features: ReadonlySet<number>): boolean {
  return features.size === 0 || features.has(IPXE_FEATURE.http);
}

function kindOf(request: ClientRequest, vendorClass: string): "pxe" | "http" | undefined {
  if (vendorClass.startsWith("PXEClient")) return "pxe";
  if (vendorClass.startsWith("HTTPClient")) return "http";
  // A Raspberry Pi drops option 60 from its REQUEST and still wants the same answer as to its DISCOVER.
  const maybePi = vendorClass === "" && request.type === MESSAGE_TYPE.request;
  return maybePi && profileOf(request, []).ownFiles ? "pxe" : undefined;
}

function profileOf(request: ClientRequest, architectures: readonly number[]): FirmwareProfile {
  return firmwareProfileOf({
    mac: request.mac,
    architecture: architectures[0],
    machineId: request.packet.options.get(OPTION.clientMachineId),
  });
}
