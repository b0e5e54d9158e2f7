/** Bytes of the rings → records, by the table. Pure; the bytes are the kernel's, the text in them is the watched process's. */
import type { ProcessRef } from '../../../agent/contract/process.ts';
import { head, headBytes, offsetsOf, type RecordName, records, tickNs } from './table.ts';

interface Base<Name extends RecordName> {
  readonly type: Name;
  /** Thread id. */
  readonly tid: number;
  /** Nanoseconds, CLOCK_MONOTONIC. */
  readonly at: number;
  readonly process: ProcessRef;
  /** The process with MXNet to whose tree it belongs, and who cloned it. */
  readonly root: ProcessRef;
  readonly parent: ProcessRef;
}
type Wide<Width> = Width extends 'u64' ? bigint : Width extends 's64' ? bigint : Width extends 'bytes16' ? Buffer : number;
export type RecordOf<Name extends RecordName> = Base<Name> & { readonly text: Buffer } & { readonly [Field in keyof (typeof records)[Name]['fields']]: Wide<(typeof records)[Name]['fields'][Field]> };
export type BpfRecord = { [Name in RecordName]: RecordOf<Name> }[RecordName];

const names = new Map(Object.entries(records).map(([name, { id, fields }]) => [id as number, { name: name as RecordName, ...offsetsOf(fields, headBytes) }]));
const headOffsets = offsetsOf(head, 4).offsets;
const at = (field: keyof typeof head): number => headOffsets[field]?.at ?? 0;
const places = {
  tgid: at('tgid'), tid: at('tid'), root: at('root'), parent: at('parent'), at: at('at'), start: at('start'), rootStart: at('rootStart'), parentStart: at('parentStart'),
};

/**
 * One record; text and addresses are views of `bytes`. Throws RangeError for a type that the table has not, or for bytes
 * shorter than its fields.
 */
export function decodeRecord(bytes: Buffer): BpfRecord {
  if (bytes.length < headBytes) throw new RangeError(`a record of ${bytes.length} bytes`);
  const type = bytes.readUInt16LE(2);
  const shape = names.get(type);
  if (shape === undefined) throw new RangeError(`a record of unknown type ${type}`);
  if (bytes.length < shape.end) throw new RangeError(`${shape.name}: ${bytes.length} bytes instead of ${shape.end}`);
  const ref = (pid: number, start: number): ProcessRef => ({ pid: bytes.readUInt32LE(pid), startTicks: Number(bytes.readBigUInt64LE(start) / tickNs) });
  const record: Record<string, unknown> = {
    type: shape.name, tid: bytes.readUInt32LE(places.tid), at: Number(bytes.readBigUInt64LE(places.at)),
    process: ref(places.tgid, places.start), root: ref(places.root, places.rootStart), parent: ref(places.parent, places.parentStart),
    text: bytes.subarray(shape.end),
  };
  for (const [name, { at, width }] of Object.entries(shape.offsets)) {
    switch (width) {
      case 'u32': record[name] = bytes.readUInt32LE(at); break;
      case 's32': record[name] = bytes.readInt32LE(at); break;
      case 'u64': record[name] = bytes.readBigUInt64LE(at); break;
      case 's64': record[name] = bytes.readBigInt64LE(at); break;
      case 'bytes16': record[name] = bytes.subarray(at, at + 16); break;
      default: width satisfies never;
    }
  }
  return record as unknown as BpfRecord;
}

/** Records that lie one after the other, each rounded up to eight bytes; `lost` counts what made no sense. */
export function decodeRecords(bytes: Buffer): { readonly records: readonly BpfRecord[]; readonly lost: number } {
  const found: BpfRecord[] = [];
  let lost = 0;
  for (let place = 0; place < bytes.length;) {
    const length = place + 2 <= bytes.length ? bytes.readUInt16LE(place) : 0;
    // Where the next one begins is not known then.
    if (length < headBytes || place + length > bytes.length) { lost += 1; break; }
    try { found.push(decodeRecord(bytes.subarray(place, place + length))); } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      lost += 1;
    }
    place += (length + 7) & ~7;
  }
  return { records: found, lost };
}

const yielding = new Set(Object.values(records).filter(each => 'yields' in each).map(each => each.id as number));

/** The same bytes without the records that yield, and how many those were. What makes no sense is kept: who decodes it counts it. */
export function withoutYielding(bytes: Buffer): { readonly kept: Buffer; readonly dropped: number } {
  const kept: Buffer[] = [];
  let dropped = 0;
  for (let place = 0; place < bytes.length;) {
    const length = place + 4 <= bytes.length ? bytes.readUInt16LE(place) : 0;
    if (length < headBytes) { kept.push(bytes.subarray(place)); break; }
    const next = Math.min((place + length + 7) & ~7, bytes.length);
    if (yielding.has(bytes.readUInt16LE(place + 2))) dropped += 1; else kept.push(bytes.subarray(place, next));
    place = next;
  }
  return { kept: Buffer.concat(kept), dropped };
}
