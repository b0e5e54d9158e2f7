/** Ring buffer data → records. The layout comes from this kernel's format files; the bytes may be anything. */
import type { Layout } from './wire.ts';

export type Raw = {
  readonly kind: Layout['kind'];
  readonly probe: number;
  readonly at: number;
  readonly tid: number;
  number(field: string): number;
  big(field: string): bigint;
  /** Text up to its NUL; null when the kernel could not read it (it then has no bytes at all, not even the NUL). */
  text(field: string): string | null;
  bytes(field: string): Buffer;
};

/** Null for an event that no layout describes. Throws RangeError for data shorter than its layout. */
export function readRecord(layouts: ReadonlyMap<number, Layout>, at: number, data: Buffer): Raw | null {
  const layout = data.length < 8 ? undefined : layouts.get(data.readUInt16LE(0));
  if (layout === undefined) return null;
  const bytes = (name: string): Buffer => {
    const field = layout.fields[name];
    if (field === undefined) throw new RangeError(`${layout.kind} without ${name}`);
    const place = field.located ? data.readUInt32LE(field.offset) : 0;
    const [start, length] = field.located ? [place & 0xffff, place >>> 16] : [field.offset, field.size];
    if (start + length > data.length) throw new RangeError(`${layout.kind}: ${name} outside the record`);
    return data.subarray(start, start + length);
  };
  const big = (name: string): bigint => {
    const value = bytes(name);
    if (value.length === 8) return layout.fields[name]?.signed === true ? value.readBigInt64LE(0) : value.readBigUInt64LE(0);
    return BigInt(integer(value, layout.fields[name]?.signed === true));
  };
  return {
    kind: layout.kind, probe: layout.probe, at, tid: integer(bytes('common_pid'), true), bytes, big,
    number: name => Number(big(name)),
    text(name) {
      const value = bytes(name);
      const end = value.indexOf(0);
      return value.length === 0 ? null : value.toString('latin1', 0, end === -1 ? value.length : end);
    },
  };
}

function integer(bytes: Buffer, signed: boolean): number {
  if (bytes.length === 0 || bytes.length > 4) throw new RangeError('not a number');
  return signed ? bytes.readIntLE(0, bytes.length) : bytes.readUIntLE(0, bytes.length);
}

/** sp at entry: on x86_64 the return took the return address off the stack, on aarch64 it did not. */
export const entryStack = (sp: bigint, architecture: string): string => (architecture === 'x64' ? sp - 8n : sp).toString(16);

/** inet_sock_set_state's addresses, as people write them; an IPv4 address in IPv6 clothes is told as IPv4. */
export function addressText(family: number, v4: Buffer, v6: Buffer): string {
  const mapped = v6.subarray(0, 10).every(byte => byte === 0) && v6.readUInt16BE(10) === 0xffff;
  if (family === 2) return v4.join('.');
  if (mapped) return v6.subarray(12, 16).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => v6.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
