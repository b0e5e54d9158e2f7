import type { Source } from '../source.ts';
import type { Voice } from './voice.ts';
import { all16, all32, entryBytes } from './zip-header.ts';

/** Where the directory of a zip is, by its end record (`PK 5 6`, APPNOTE.TXT 4.3.16) and the zip64 ones (4.3.14, 4.3.15). */
export interface End {
  /** Of the end record, and where its comment stops. */
  readonly at: number;
  readonly commentAt: number;
  readonly end: number;
  readonly members: number;
  readonly directoryAt: number;
  /** Where the records after the directory begin. */
  readonly directoryEnd: number;
  /** What must be added to the offsets in the file, because something stands in front of the archive. */
  readonly base: number;
}

export const endBytes = 22;
const longestComment = 65_535;
/** What holds the end record with the longest comment. */
export const tailBytes = endBytes + longestComment;
const zip64Signature = 0x0606_4b50;
const locatorSignature = 0x0706_4b50;
const [zip64Bytes, locatorBytes] = [56, 20];

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Places of end records in a tail, the last first. */
function* places(tail: Uint8Array): Generator<number> {
  const buffer = Buffer.from(tail.buffer, tail.byteOffset, tail.length);
  for (let at = buffer.length - endBytes; at >= 0; at--) {
    at = buffer.lastIndexOf('PK\x05\x06', at, 'latin1');
    if (at < 0) return;
    yield at;
  }
}

/** Whether a file ends as a zip does, whatever it begins with. Bytes behind the record count, but not the zeros that end a tar. */
export function endsAsZip(tail: Uint8Array, size: number): boolean {
  const at = places(tail).next().value;
  if (at === undefined) return false;
  const view = viewOf(tail);
  const [members, directoryBytes, stop] = [view.getUint16(at + 10, true), view.getUint32(at + 12, true), at + endBytes + view.getUint16(at + 20, true)];
  const fits = (directoryBytes === all32 || directoryBytes <= size - tail.length + at) && (members === all16 || directoryBytes >= members * entryBytes);
  return fits && stop <= tail.length && (stop === tail.length || tail.subarray(stop).some(byte => byte !== 0));
}

/**
 * The end record that readers take: the last one whose comment ends with the file, else the last one. Null when there is none;
 * RangeError when what it says cannot be. What two readers would find differently is told.
 */
export function findEnd(source: Source, { say }: Voice): End | null {
  const tailAt = Math.max(0, source.size - tailBytes);
  const tail = Uint8Array.from(source.read(tailAt, tailBytes));
  const view = viewOf(tail);
  const stopOf = (at: number) => at + endBytes + view.getUint16(at + 20, true);
  let [last, exact] = [-1, -1];
  for (const at of places(tail)) {
    if (last < 0) last = at;
    if (stopOf(at) === tail.length) { exact = at; break; }
  }
  if (last < 0) return null;
  const at = exact < 0 ? last : exact;
  // Python takes the last one, or one without a comment at the very end; Java the last one that ends with the file.
  if (at !== last) say('zip.several-ends', 'high', 'Two end records compete: programs differ in which they take, and so in the members they see', { offset: tailAt + last });
  if (stopOf(at) > tail.length) say('zip.comment-length', 'medium', `The comment claims ${view.getUint16(at + 20, true)} bytes, and ${tail.length - at - endBytes} are left`, { offset: tailAt + at });
  const record = { disk: view.getUint16(at + 4, true), directoryDisk: view.getUint16(at + 6, true), here: view.getUint16(at + 8, true), members: view.getUint16(at + 10, true), bytes: view.getUint32(at + 12, true), offset: view.getUint32(at + 16, true) };
  const wide = readZip64(source, tailAt + at, record, say);
  if (record.disk !== record.directoryDisk || ![0, all16].includes(record.disk) || record.here !== record.members) {
    say('zip.multi-disk', 'medium', 'The archive says that it is one of several parts', { offset: tailAt + at });
  }
  const { members, bytes, offset } = wide ?? record;
  const directoryEnd = wide?.at ?? tailAt + at;
  const directoryAt = directoryEnd - bytes;
  const base = directoryAt - offset;
  if (directoryAt < 0 || base < 0) throw new RangeError(`the end record puts ${bytes} bytes of directory at ${offset}, and it does not end where they would`);
  if (wide && wide.claimedAt + base !== wide.at) say('zip.zip64-end', 'high', 'The zip64 locator points to another place than its record: programs differ in which they take', { offset: wide.at });
  return { at: tailAt + at, commentAt: tailAt + at + endBytes, end: tailAt + Math.min(stopOf(at), tail.length), members, directoryAt, directoryEnd, base };
}

type Plain = Readonly<Record<'disk' | 'directoryDisk' | 'here' | 'members' | 'bytes' | 'offset', number>>;
interface Wide { readonly at: number; readonly claimedAt: number; readonly members: number; readonly bytes: number; readonly offset: number }

/** Python takes the zip64 records whenever they are there, Java only when the plain one leaves a number to them. */
function readZip64(source: Source, endAt: number, plain: Plain, say: Voice['say']): Wide | null {
  const asked = plain.members === all16 || plain.bytes === all32 || plain.offset === all32;
  const head = Uint8Array.from(source.read(Math.max(0, endAt - zip64Bytes - locatorBytes), Math.min(endAt, zip64Bytes + locatorBytes)));
  const located = head.length >= locatorBytes && viewOf(head).getUint32(head.length - locatorBytes, true) === locatorSignature;
  const found = located && head.length === zip64Bytes + locatorBytes && viewOf(head).getUint32(0, true) === zip64Signature;
  if (!found) {
    if (plain.bytes === all32 || plain.offset === all32) throw new RangeError('the end record leaves its numbers to a zip64 record, and there is none in front of it');
    if (located) say('zip.zip64-end', 'medium', 'A zip64 locator has no zip64 record in front of it', { offset: endAt - locatorBytes });
    return null;
  }
  const view = viewOf(head);
  const at = endAt - zip64Bytes - locatorBytes;
  const number = (offset: number) => Number(view.getBigUint64(offset, true));
  const wide = { at, claimedAt: number(zip64Bytes + 8), members: number(32), bytes: number(40), offset: number(48) };
  const parts = [16, 20, zip64Bytes + 4].map(offset => view.getUint32(offset, true));
  if (number(24) !== wide.members || parts.some(part => part !== 0) || view.getUint32(zip64Bytes + 16, true) > 1) say('zip.multi-disk', 'medium', 'The archive says that it is one of several parts', { offset: at });
  if (number(4) !== zip64Bytes - 12) say('zip.zip64-end', 'medium', `The zip64 record claims ${number(4)} bytes for itself`, { offset: at });
  const differs = ([['members', all16], ['bytes', all32], ['offset', all32]] as const).some(([key, all]) => plain[key] !== all && plain[key] !== wide[key]);
  if (differs) say('zip.zip64-end', 'high', `The end record and the zip64 one disagree${asked ? '' : ', and only some programs look at the second'}`, { offset: at });
  return wide;
}
