/** Option 175, in which iPXE tells what it can do and is told how to behave. */
import { decodeSubOptions, encodeSubOptions } from "./sub-options.ts";

/** Feature sub-options of iPXE (its `ipxe/features.h`). */
export const IPXE_FEATURE = { http: 19, https: 20, bzImage: 24, efi: 36 } as const;

/** Features are announced with codes from here … */
const FIRST_FEATURE = 16;
/** … up to here; above are settings. */
const LAST_FEATURE = 79;
/** "Do not wait for a proxyDHCP server": saves two seconds when the offer already names the script. */
const NO_PROXY_WAIT = 176;

/** Codes of the announced features; empty when option 175 tells of none. */
export function decodeIpxeFeatures(bytes: Uint8Array): ReadonlySet<number> {
  const features = new Set<number>();
  for (const [code, value] of decodeSubOptions(bytes, { markers: true })) {
    const announced = code >= FIRST_FEATURE && code <= LAST_FEATURE && value.some((octet) => octet !== 0);
    if (announced) features.add(code);
  }
  return features;
}

/** The value of option 175 for a reply that carries everything iPXE needs. */
export function encodeNoProxyWait(): Uint8Array {
  return encodeSubOptions(new Map([[NO_PROXY_WAIT, Uint8Array.of(1)]]), { markers: false });
}
