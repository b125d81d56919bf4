/** Bytes that are not what they claim to be. The only error that decoders know; they return it. */
export class DecodeError extends Error {
  /** Octets from the start of the datagram to the fault. */
  readonly offset: number;
  readonly reason: string;

  constructor(reason: string, offset: number) {
    super(`${reason} at octet ${offset}`);
    this.name = "DecodeError";
    this.reason = reason;
    this.offset = offset;
  }
}
