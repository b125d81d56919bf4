/** Option negotiation of a read request (RFC 2347, 2348, 2349, 7440). */
import type { TftpOption, TftpRequest } from "./packet.ts";

/** What the server grants at most. */
export interface TftpLimits {
  /** Largest block in bytes; the link's MTU less 32. */
  readonly maxBlockSize: number;
  /** Largest window in blocks. */
  readonly maxWindowSize: number;
}

/** The terms of one transfer. */
export interface TftpTerms {
  readonly blksize: number;
  readonly windowsize: number;
  /** Retransmission timeout in milliseconds that the client asked for; absent when it left that to us. */
  readonly timeout?: number;
  /** Options to acknowledge; none means that DATA 1 answers the request. */
  readonly acknowledged: readonly TftpOption[];
}

const DEFAULT_BLKSIZE = 512;

/**
 * Settles the terms of a read request. EDK2 refuses an OACK with anything it did not ask for or a greater value,
 * so only requested options are echoed, never raised; a value outside its range is treated as not asked (T-02…T-06).
 * In netascii the size is unknown and the window is one block (T-04, T-20).
 */
export function negotiate(request: TftpRequest, size: number, limits: TftpLimits): TftpTerms {
  const netascii = request.mode === "netascii";
  const acknowledged: TftpOption[] = [];
  const accept = (name: string, highest: number, lowest: number, top: number): number | undefined => {
    const option = request.options.find((candidate) => candidate.name.toLowerCase() === name);
    const asked = option && decimal(option.value, lowest, top);
    if (option === undefined || asked === undefined) return undefined;
    const granted = Math.min(asked, highest);
    acknowledged.push({ name: option.name, value: String(granted) });
    return granted;
  };

  const blksize = accept("blksize", limits.maxBlockSize, 8, 65464) ?? DEFAULT_BLKSIZE;
  const windowsize = netascii ? 1 : (accept("windowsize", limits.maxWindowSize, 1, 65535) ?? 1);
  const seconds = accept("timeout", 255, 1, 255);
  const asksSize = netascii ? undefined : sizeOption(request);
  if (asksSize) acknowledged.push({ name: asksSize.name, value: String(size) });

  const order = request.options.map(({ name }) => name);
  acknowledged.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return { blksize, windowsize, acknowledged, ...(seconds === undefined ? {} : { timeout: seconds * 1000 }) };
}

/** `tsize` of a read request carries 0 (RFC 2349); any other value is not that question. */
function sizeOption(request: TftpRequest): TftpOption | undefined {
  return request.options.find(({ name, value }) => name.toLowerCase() === "tsize" && value === "0");
}

function decimal(text: string, lowest: number, highest: number): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= lowest && value <= highest ? value : undefined;
}
