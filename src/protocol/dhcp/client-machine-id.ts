/** Option 97: the client's SMBIOS UUID (RFC 4578 §2.3). */

const LENGTH = 17;
/** Octets of the text form: the first three fields are little-endian on the wire, as in SMBIOS. */
const TEXT_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
const GROUPS = [4, 6, 8, 10];

/** `11223344-5566-7788-99aa-bbccddeeff00`; undefined when the value is not 17 octets of type 0. */
export function decodeClientMachineId(bytes: Uint8Array): string | undefined {
  if (bytes.length !== LENGTH || bytes[0] !== 0) return undefined;
  return TEXT_ORDER.map((source, index) => {
    const octet = (bytes[source + 1] ?? 0).toString(16).padStart(2, "0");
    return GROUPS.includes(index) ? `-${octet}` : octet;
  }).join("");
}
