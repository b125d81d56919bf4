/**
 * Hardware addresses in their one canonical text form: six lower-case octets joined by colons.
 */

declare const canonical: unique symbol;

/** A canonical MAC address, for example `52:54:00:12:34:01`. Made by {@link parseMac} only. */
export type Mac = string & { readonly [canonical]: true };

const SEPARATED = /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/;
const BARE = /^[0-9a-f]{12}$/;
const CISCO = /^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$/;

/**
 * Reads a MAC written with colons, hyphens, dots (`5254.0012.3401`) or nothing between the octets, in any case.
 * @returns the canonical form, or undefined when the text is not one 48-bit address.
 */
export function parseMac(text: string): Mac | undefined {
  const lower = text.trim().toLowerCase();
  if (!SEPARATED.test(lower) && !BARE.test(lower) && !CISCO.test(lower)) return undefined;
  return macFromHex(lower.replace(/[:.-]/g, ""));
}

/** Whether an address may be one NIC's own: group addresses (broadcast among them) and all zeroes are nobody's. */
export function isStationMac(mac: Mac): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0 && mac !== "00:00:00:00:00:00";
}

/** The MAC in the first six octets of a `chaddr`; undefined when `hlen` is not 6. */
export function macFromBytes(chaddr: Uint8Array, hlen: number): Mac | undefined {
  if (hlen !== 6 || chaddr.length < 6) return undefined;
  let text = octetText(chaddr[0]);
  for (let index = 1; index < 6; index++) text += `:${octetText(chaddr[index])}`;
  return text as Mac;
}

/** The six octets of a canonical MAC. */
export function macToBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(Buffer.from(mac.replaceAll(":", ""), "hex"));
}

/** The form iPXE writes with `${mac:hexhyp}`, used in URLs: `52-54-00-12-34-01`. */
export function macWithHyphens(mac: Mac): string {
  return mac.replaceAll(":", "-");
}

function macFromHex(hex: string): Mac {
  return (hex.match(/../g) ?? []).join(":") as Mac;
}

/** Asked for on every packet, so the texts are made once. */
const OCTET_TEXTS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

function octetText(octet: number | undefined): string {
  return OCTET_TEXTS[octet ?? 0] ?? "00";
}
