import { isBlank, readNumeral } from './tar-number.ts';

export const blockBytes = 512;

/**
 * One header block. Fields as in POSIX.1 (ustar) and GNU tar's src/tar.h: name 0, mode 100, uid 108, gid 116, size 124,
 * mtime 136, sum 148, type 156, link 157, magic 257, uname 265, gname 297, device numbers 329 and 337, prefix 345.
 */
export interface TarHeader {
  readonly style: Style;
  /** With the prefix before it, where the style has one. */
  readonly name: Uint8Array;
  readonly link: Uint8Array;
  readonly type: string;
  readonly mode: number;
  /** What the size field says; NaN or infinite where it says nothing of use. */
  readonly size: number;
  readonly flaws: readonly HeaderFlaw[];
  readonly block: Uint8Array;
}

export type Style = 'v7' | 'ustar' | 'gnu' | 'unknown';
export interface HeaderFlaw { readonly rule: 'signed-sum' | 'magic' | 'size-field' | 'number' | 'after-nul' | 'prefix' | 'reserved'; readonly message: string }

const numerals: readonly (readonly [what: string, start: number, end: number])[] = [
  ['mode', 100, 108], ['user id', 108, 116], ['group id', 116, 124], ['time', 136, 148], ['device number', 329, 337], ['device number', 337, 345],
];
/** Hard and symbolic links. */
const links: ReadonlySet<string> = new Set(['1', '2']);
const texts: readonly (readonly [what: string, start: number, end: number])[] = [['name', 0, 100], ['link', 157, 257], ['user name', 265, 297], ['group name', 297, 329]];

/** Null for a block that is no header by its sum, in either form. `block` has 512 bytes and is kept. */
export function readHeader(block: Uint8Array): TarHeader | null {
  const sum = sumOf(block);
  if (sum === null) return null;
  const flaws: HeaderFlaw[] = [];
  if (sum === 'signed') flaws.push({ rule: 'signed-sum', message: 'the sum is that of signed bytes, which readers of today need not accept' });
  const style = styleOf(block);
  if (style === 'unknown') flaws.push({ rule: 'magic', message: 'the magic is neither that of POSIX nor of GNU nor absent' });
  const type = String.fromCharCode(block[156] ?? 0);
  const size = readNumeral(block.subarray(124, 136));
  // GNU tar leaves it empty for the label of an archive.
  const absent = type !== 'V' && isBlank(block.subarray(124, 136));
  if (size.flaw !== null || size.value < 0 || absent) flaws.push({ rule: 'size-field', message: `the size ${size.flaw ?? (size.value < 0 ? 'is negative' : 'is absent')}` });
  if (readNumeral(block.subarray(148, 156)).flaw !== null) flaws.push({ rule: 'number', message: 'the sum is not an octal number alone' });
  for (const [what, start, end] of numerals) {
    const { value, flaw } = readNumeral(block.subarray(start, end));
    if (flaw !== null || (value < 0 && what !== 'time')) flaws.push({ rule: 'number', message: `the ${what} ${flaw ?? 'is negative'}` });
  }
  for (const [what, start, end] of texts) if ((start < 257 || style !== 'v7') && hasTail(block, start, end)) flaws.push({ rule: 'after-nul', message: `bytes stand behind the end of the ${what}` });
  const rest = judgeRest(block, style, type);
  if (rest) flaws.push(rest);
  const name = text(block, 0, 100);
  const prefix = style === 'ustar' ? text(block, 345, 500) : name.subarray(0, 0);
  return {
    style, type, flaws, block, link: text(block, 157, 257), mode: readNumeral(block.subarray(100, 108)).value, size: size.value,
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
  };
}

/** Both sums count the sum's own field as spaces. */
function sumOf(block: Uint8Array): 'unsigned' | 'signed' | null {
  const field = block.subarray(148, 156);
  const stated = readNumeral(field);
  if (isBlank(field) || Number.isNaN(stated.value)) return null;
  let [unsigned, signed] = [8 * 0x20, 8 * 0x20];
  for (let at = 0; at < blockBytes; at++) {
    if (at === 148) at = 156;
    const byte = block[at] ?? 0;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return stated.value === unsigned ? 'unsigned' : stated.value === signed ? 'signed' : null;
}

function styleOf(block: Uint8Array): Style {
  const magic = String.fromCharCode(...block.subarray(257, 265));
  if (magic === 'ustar\x0000') return 'ustar';
  if (magic === 'ustar  \0') return 'gnu';
  return magic === '\0\0\0\0\0\0\0\0' ? 'v7' : 'unknown';
}

/** The part behind the device numbers means something else in each style: Python takes it for a prefix in all. */
function judgeRest(block: Uint8Array, style: Style, type: string): HeaderFlaw | null {
  const any = (start: number, end: number) => !isZero(block, start, end);
  if (!links.has(type) && any(157, 257)) return { rule: 'reserved', message: 'a link\'s target stands where there is no link' };
  const tail: HeaderFlaw = { rule: 'reserved', message: 'bytes stand in a part of the header that has no meaning' };
  if (style === 'ustar') return hasTail(block, 345, 500) ? { rule: 'after-nul', message: 'bytes stand behind the end of the prefix' } : any(500, blockBytes) ? tail : null;
  if (style === 'gnu' && type === 'S') return any(345, 386) || any(495, blockBytes) ? tail : null;
  if (any(345, 500)) return { rule: 'prefix', message: 'some readers put a prefix before the name and others do not' };
  return any(500, blockBytes) || (style === 'v7' && any(265, 329)) ? tail : null;
}

function text(block: Uint8Array, start: number, end: number): Uint8Array {
  const stop = block.indexOf(0, start);
  return block.subarray(start, stop < 0 ? end : Math.min(stop, end));
}

function hasTail(block: Uint8Array, start: number, end: number): boolean {
  const stop = block.indexOf(0, start);
  return stop >= 0 && !isZero(block, stop, end);
}

/** Whether all bytes of a part are zero; an empty part is. */
export function isZero(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
