/** DHCP requests for tests, built by hand rather than by the code under test. */

export interface RequestFields {
  readonly type: number;
  readonly mac: string;
  readonly xid?: number;
  readonly ciaddr?: string;
  readonly giaddr?: string;
  readonly broadcast?: boolean;
  /** Option values by code, in hex. */
  readonly options?: Readonly<Record<number, string>>;
}

const ipHex = (address = "0.0.0.0"): string => Buffer.from(address.split(".").map(Number)).toString("hex");
const textHex = (text: string): string => Buffer.from(text).toString("hex");

/** A client's packet in hex, 300 octets or more. */
export function requestHex(fields: RequestFields): string {
  const { type, mac, xid = 0x12345678, ciaddr, giaddr, broadcast = true, options = {} } = fields;
  const header = `01010600${xid.toString(16).padStart(8, "0")}0000${broadcast ? "8000" : "0000"}`;
  const addresses = `${ipHex(ciaddr)}${ipHex()}${ipHex()}${ipHex(giaddr)}`;
  const chaddr = mac.replaceAll(":", "").padEnd(32, "0");
  const list = Object.entries({ 53: type.toString(16).padStart(2, "0"), ...options }).map(
    ([code, value]) =>
      Number(code).toString(16).padStart(2, "0") + (value.length / 2).toString(16).padStart(2, "0") + value,
  );
  return `${header}${addresses}${chaddr}${"00".repeat(192)}63825363${list.join("")}ff`.padEnd(600, "0");
}

/** Options of a UEFI x64 firmware: vendor class, architecture 7, interface, machine GUID, the list real ones send. */
export const UEFI_OPTIONS: Readonly<Record<number, string>> = {
  60: textHex("PXEClient:Arch:00007:UNDI:003016"),
  93: "0007",
  94: "010310",
  97: `00${"0123456789abcdef".repeat(2)}`,
  57: "05c0",
  55: "0102030405060c0d0f111216171c28292a2b3233363a3b3c4243618081828384858687",
};

/** A reply as far as tests look at it. */
export interface ReplyFields {
  readonly op: number;
  readonly xid: number;
  readonly yiaddr: string;
  readonly siaddr: string;
  readonly giaddr: string;
  readonly file: string;
  readonly options: ReadonlyMap<number, Buffer>;
}

/** Reads a reply from hex. */
export function readReply(hex: string): ReplyFields {
  const bytes = Buffer.from(hex, "hex");
  const ip = (offset: number): string => [...bytes.subarray(offset, offset + 4)].join(".");
  const options = new Map<number, Buffer>();
  for (let i = 240; i < bytes.length && bytes[i] !== 255; ) {
    if (bytes[i] === 0) {
      i += 1;
      continue;
    }
    const length = bytes[i + 1] ?? 0;
    options.set(bytes[i] ?? 0, bytes.subarray(i + 2, i + 2 + length));
    i += 2 + length;
  }
  const file = bytes.subarray(108, 236);
  return {
    op: bytes[0] ?? 0,
    xid: bytes.readUInt32BE(4),
    yiaddr: ip(16),
    siaddr: ip(20),
    giaddr: ip(24),
    file: file.subarray(0, file.indexOf(0)).toString(),
    options,
  };
}

/** An address as an option value in hex. */
export const addressOption = ipHex;
