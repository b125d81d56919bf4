/** The beginning of etcd's write-ahead log (etcd server/storage/wal): frames of 8 bytes length, then a protobuf record. */

const LENGTH_BYTES = 8;
const LENGTH_MASK = (1n << 56n) - 1n;
const METADATA = 1n;

type Fields = ReadonlyMap<number, bigint | Buffer>;

/** The cluster's id as etcd's API writes it (decimal); undefined while the log has no metadata yet. */
export function walClusterId(log: Buffer): string | undefined {
  let rest = log;
  while (rest.length > LENGTH_BYTES) {
    const frame = rest.readBigUInt64LE();
    // The topmost byte says how many bytes of padding follow.
    const length = Number(frame & LENGTH_MASK);
    const padding = frame >> 63n === 1n ? Number((frame >> 56n) & 0x7n) : 0;
    if (length === 0 || LENGTH_BYTES + length > rest.length) return undefined;
    const record = fieldsOf(rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    const data = record.get(3);
    if (record.get(1) === METADATA && Buffer.isBuffer(data)) return fieldsOf(data).get(2)?.toString();
    rest = rest.subarray(LENGTH_BYTES + length + padding);
  }
  return undefined;
}

/** Numbers and bytes of one protobuf message, by field number. */
function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, bigint | Buffer>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; at < message.length; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.length) {
    const key = Number(varint());
    const value = varint();
    if (key % 8 === 0) fields.set(key >> 3, value);
    else if (key % 8 === 2) {
      fields.set(key >> 3, message.subarray(at, at + Number(value)));
      at += Number(value);
    } else break;
  }
  return fields;
}
