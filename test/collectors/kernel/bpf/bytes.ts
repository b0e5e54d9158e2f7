import { head, headBytes, offsetsOf, type RecordName, records } from '../../../../collectors/kernel/bpf/table.ts';

/** A record as the kernel would write it: numbers by the names of the table, others zero. */
export function recordBytes(name: RecordName, values: Readonly<Record<string, number | bigint>> = {}, text = ''): Buffer {
  const { offsets, end } = offsetsOf(records[name].fields, headBytes);
  const places = { ...offsetsOf(head, 4).offsets, ...offsets };
  const bytes = Buffer.alloc((end + Buffer.byteLength(text, 'latin1') + 7) & ~7);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.writeUInt16LE(records[name].id, 2);
  for (const [field, value] of Object.entries(values)) {
    const place = places[field];
    if (place === undefined) throw new RangeError(`${name} has no ${field}`);
    switch (place.width) {
      case 'u32': bytes.writeUInt32LE(Number(value), place.at); break;
      case 's32': bytes.writeInt32LE(Number(value), place.at); break;
      case 'u64': bytes.writeBigUInt64LE(BigInt(value), place.at); break;
      case 's64': bytes.writeBigInt64LE(BigInt(value), place.at); break;
      case 'bytes16': throw new RangeError('addresses are written by the test');
      default: place.width satisfies never;
    }
  }
  bytes.write(text, end, 'latin1');
  return bytes;
}
