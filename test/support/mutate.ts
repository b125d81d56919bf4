/** Broken copies of good packets, the same ones on every run. */

/** A stream of numbers in [0, 1) that depends on the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The packet with one to four faults: flipped, inserted, removed, cut, repeated or random octets. */
export function mutate(packet: Uint8Array, random: () => number): Uint8Array {
  let bytes = Buffer.from(packet);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  for (let faults = 1 + upTo(4); faults > 0; faults--) {
    const at = upTo(bytes.length + 1);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (upTo(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << upTo(8));
        break;
      case 1:
        bytes = Buffer.concat([before, Uint8Array.of(upTo(256)), after]);
        break;
      case 2:
        bytes = Buffer.concat([before, after.subarray(1 + upTo(4))]);
        break;
      case 3:
        bytes = Buffer.from(before);
        break;
      case 4:
        bytes = Buffer.concat([before, after.subarray(0, upTo(40)), after]);
        break;
      case 5:
        if (at < bytes.length) bytes[at] = [0, 1, 127, 128, 254, 255][upTo(6)] ?? 0;
        break;
      default:
        bytes = Buffer.concat([bytes, Uint8Array.from({ length: upTo(30) }, () => upTo(256))]);
    }
  }
  return bytes;
}
