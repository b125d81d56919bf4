/** Option 43 in the meaning of the PXE specification 2.1, table 2-1. */
import { decodeSubOptions, encodeSubOptions } from "./sub-options.ts";

/** The boot item a client chose from a menu (sub-option 71). */
export interface BootItem {
  readonly type: number;
  readonly layer: number;
}

/** What a server tells PXE firmware. Menu entries that do not fit 255 octets in all are left out, last first. */
export interface PxeVendorOptions {
  /** Sub-option 6: bit 0 no broadcast, 1 no multicast, 2 only listed servers, 3 use the boot file straight. */
  readonly discoveryControl?: number;
  readonly bootItem?: BootItem;
  readonly menu?: readonly { readonly type: number; readonly text: string }[];
  /** Seconds: 0 takes the first entry at once, 255 waits. */
  readonly prompt?: { readonly timeoutSeconds: number; readonly text: string };
}

/** Bit 3 of the discovery control: no boot server discovery, the packet names the file. */
export const USE_BOOT_FILE = 8;
/** Bit 15 of a boot item's layer: the client wants to show credentials. */
export const LAYER_CREDENTIALS = 0x8000;

const DISCOVERY_CONTROL = 6;
const MENU = 9;
const PROMPT = 10;
const BOOT_ITEM = 71;
const MAX_LENGTH = 255;

/** The value of option 43, at most 255 octets, closed by 255. */
export function encodePxeVendor(vendor: PxeVendorOptions): Uint8Array {
  const menu = [...(vendor.menu ?? [])];
  let bytes = encodeWith(vendor, menu);
  while (bytes.length > MAX_LENGTH && menu.length > 0) {
    menu.pop();
    bytes = encodeWith(vendor, menu);
  }
  return bytes;
}

/** The boot item a client asks for; undefined without one. */
export function decodeBootItem(vendorSpecific: Uint8Array): BootItem | undefined {
  const value = decodeSubOptions(vendorSpecific, { markers: true }).get(BOOT_ITEM);
  if (value?.length !== 4) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, 4);
  return { type: view.getUint16(0), layer: view.getUint16(2) };
}

function encodeWith(vendor: PxeVendorOptions, menu: readonly { type: number; text: string }[]): Uint8Array {
  const values = new Map<number, Uint8Array>();
  if (vendor.discoveryControl !== undefined) {
    values.set(DISCOVERY_CONTROL, Uint8Array.of(vendor.discoveryControl));
  }
  if (menu.length > 0) values.set(MENU, Buffer.concat(menu.map(menuEntry)));
  if (vendor.prompt) {
    const text = Buffer.from(vendor.prompt.text, "utf8").subarray(0, MAX_LENGTH - 1);
    values.set(PROMPT, Buffer.concat([Uint8Array.of(vendor.prompt.timeoutSeconds), text]));
  }
  if (vendor.bootItem) {
    const { type, layer } = vendor.bootItem;
    values.set(BOOT_ITEM, Uint8Array.of(type >>> 8, type & 255, layer >>> 8, layer & 255));
  }
  return encodeSubOptions(values, { markers: true });
}

function menuEntry(entry: { readonly type: number; readonly text: string }): Uint8Array {
  const text = Buffer.from(entry.text, "utf8").subarray(0, MAX_LENGTH);
  return Buffer.concat([Uint8Array.of(entry.type >>> 8, entry.type & 255, text.length), text]);
}
