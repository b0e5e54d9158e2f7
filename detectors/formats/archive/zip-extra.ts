import { crc32 } from 'node:zlib';
import type { Severity } from '../../../agent/contract/finding.ts';
import { all16, all32 } from './zip-header.ts';

/** Extra fields of a header (APPNOTE.TXT 4.5): what they say, and what is wrong with them. */
export interface Extra {
  /** The first field of each kind. */
  readonly fields: ReadonlyMap<number, Uint8Array>;
  readonly flaws: readonly ExtraFlaw[];
}

export interface ExtraFlaw { readonly rule: string; readonly severity: Severity; readonly message: string }

export const zip64Field = 0x0001;
const unicodePath = 0x7075;

/** The kinds that archivers for model files write, and the most bytes each takes. Alignment (0xd935) is as long as it must be. */
const known: ReadonlyMap<number, number> = new Map([
  [zip64Field, 28], [0x000a, 36], [0x5455, 13], [0x7875, 32], [0x7855, 8], [0x5855, 12], [0xcafe, 0], [unicodePath, 4_096], [0x6375, 65_535], [0x9901, 7], [0xd935, 65_535],
]);

const flaw = (rule: string, severity: Severity, message: string): ExtraFlaw => ({ rule: `zip.${rule}`, severity, message });
const hex = (kind: number): string => `0x${kind.toString(16).padStart(4, '0')}`;

export function parseExtra(bytes: Uint8Array): Extra {
  const fields = new Map<number, Uint8Array>();
  const flaws: ExtraFlaw[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (bytes.length - at >= 4) {
    const [kind, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const end = at + 4 + length;
    if (end > bytes.length) {
      flaws.push(flaw('extra', 'medium', `An extra field claims ${length} bytes, and ${bytes.length - at - 4} are left`));
      return { fields, flaws };
    }
    if (fields.has(kind)) flaws.push(flaw('extra', 'medium', `The extra field ${hex(kind)} stands twice`));
    else fields.set(kind, bytes.subarray(at + 4, end));
    const most = known.get(kind);
    if (most === undefined) flaws.push(flaw('extra-unknown', 'low', `An extra field is of the unknown kind ${hex(kind)} and has ${length} bytes`));
    else if (length > most) flaws.push(flaw('extra', 'medium', `The extra field ${hex(kind)} has ${length} bytes, more than is ever written`));
    // A header holds some ten thousand of the smallest ones; a few tell enough.
    if (flaws.length > 20) return { fields, flaws };
    at = end;
  }
  if (at < bytes.length) flaws.push(flaw('extra', 'low', `${bytes.length - at} bytes follow the last extra field`));
  return { fields, flaws };
}

export interface Numbers { readonly size: number; readonly packed: number; readonly localAt: number; readonly disk: number }

/**
 * The numbers of a header with those of its zip64 field (APPNOTE.TXT 4.5.3) in place of the ones that are all ones, in their fixed
 * order. What stands in the field beside them must agree with the header, since readers differ in whether they look.
 */
export function widen(given: Numbers, { fields }: Extra): { readonly numbers: Numbers; readonly flaws: readonly ExtraFlaw[] } {
  const wanted = ([['size', all32], ['packed', all32], ['localAt', all32], ['disk', all16]] as const).filter(([key, all]) => given[key] === all);
  const field = fields.get(zip64Field);
  if (!field) return { numbers: given, flaws: wanted.some(([key]) => key !== 'disk') ? [flaw('zip64', 'medium', 'A number is said to stand in a zip64 field, and there is none')] : [] };
  const view = new DataView(field.buffer, field.byteOffset, field.length);
  const numbers = { ...given };
  let at = 0;
  for (const [key] of wanted) {
    const width = key === 'disk' ? 4 : 8;
    if (at + width > field.length) return { numbers, flaws: [flaw('zip64', 'medium', `The zip64 field has ${field.length} bytes, too few for what the header leaves to it`)] };
    numbers[key] = width === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
    at += width;
  }
  return { numbers, flaws: at < field.length && !agrees(view, given) ? [flaw('zip64', 'high', 'The zip64 field holds numbers that the header does not ask for: programs differ in which they believe')] : [] };
}

/** A field with all numbers, as some writers always add, says the same as the header. */
function agrees(view: DataView, given: Numbers): boolean {
  let at = 0;
  for (const [value, all] of [[given.size, all32], [given.packed, all32], [given.localAt, all32]] as const) {
    if (at + 8 > view.byteLength) return at === view.byteLength;
    if (value !== all && Number(view.getBigUint64(at, true)) !== value) return false;
    at += 8;
  }
  return at === view.byteLength || (at + 4 === view.byteLength && view.getUint32(at, true) === given.disk);
}

/** Info-ZIP's second name (APPNOTE.TXT 4.6.9), which some unpackers use and some do not. */
export function judgeUnicodePath(name: Uint8Array, { fields }: Extra): readonly ExtraFlaw[] {
  const field = fields.get(unicodePath);
  if (!field) return [];
  if (field.length < 5 || field[0] !== 1) return [flaw('unicode-path', 'medium', 'The field of the second name is not as it is defined')];
  if (new DataView(field.buffer, field.byteOffset).getUint32(1, true) !== crc32(name)) return [flaw('unicode-path', 'medium', 'The second name was made for another first one')];
  return Buffer.from(field.subarray(5)).equals(name) ? [] : [flaw('unicode-path', 'high', 'The member has a second name, which only some unpackers use')];
}
