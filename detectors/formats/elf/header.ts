import type { Source } from '../source.ts';
import { type FileType, type Machine, machineOf, systemOf, typeOf } from './machines.ts';
import { copyOf, type Shape, type Table, word } from './shape.ts';
import { evasion, type Voice } from './voice.ts';

export interface Header {
  readonly shape: Shape;
  readonly type: FileType;
  readonly number: number;
  readonly machine: Machine;
  readonly system: string;
  readonly entry: number;
  /** Bytes of this header. */
  readonly bytes: number;
  readonly segments: Table;
  /** Null: there is none that could be read. */
  readonly sections: Table | null;
  /** Index of the section with the names of sections. */
  readonly names: number;
}

/** e_phnum, e_shnum and e_shstrndx are 16 bits: a greater number is in the first section header (gABI, PN_XNUM and SHN_XINDEX). */
const [extendedSegments, extendedNames] = [0xffff, 0xffff];
const mostEntries = 262_144;
/** EI_ABIVERSION that loaders of today know (libc-abis of glibc). */
const newestAbi = 5;

/** Throws RangeError for what no loader and no tool can read on. */
export function readHeader(source: Source, voice: Voice): Header {
  if (source.size < 16) throw new RangeError(`it has ${source.size} bytes, and its first header has more`);
  const ident = copyOf(source, 0, 16);
  const shape = shapeOf(ident);
  const bytes = shape.wide ? 64 : 52;
  if (source.size < bytes) throw new RangeError(`it has ${source.size} bytes, and its first header has ${bytes}`);
  const view = copyOf(source, 0, bytes);
  checkIdent(view, shape, voice);
  const [type, number] = [view.getUint16(16, shape.little), view.getUint16(18, shape.little)];
  if (typeOf(type) === 'other' || typeOf(type) === 'none') voice.refused('header', 16, `The file is of type ${type}, which no Linux program loads`);
  if (!machineOf(number).known) voice.say('machine', 'low', 0.6, 18, `It is for a processor of number ${number}, on which no Linux runs`, evasion);
  const first = 16 + 8 + 3 * shape.word + 4;
  const [headerSize, segmentSize, segmentCount, sectionSize, sectionCount, names] = [0, 2, 4, 6, 8, 10].map(step => view.getUint16(first + step, shape.little)) as [number, number, number, number, number, number];
  if (headerSize !== bytes) voice.say('header', 'medium', 0.8, first, `The header says that it has ${headerSize} bytes; it has ${bytes}`, evasion);
  const places = { segments: word(view, 24 + shape.word, shape), sections: word(view, 24 + 2 * shape.word, shape) };
  const sections = sectionTable(source, voice, shape, { at: places.sections, count: sectionCount, entry: sectionSize }, segmentCount === extendedSegments || names === extendedNames);
  const extended = sections === null ? null : copyOf(source, sections.at, sections.entry);
  const segments = { at: places.segments, count: segmentCount, entry: segmentSize };
  return {
    shape, bytes, type: typeOf(type), number, machine: machineOf(number), system: systemOf(view.getUint8(7)), entry: word(view, 24, shape),
    segments: segmentTable(source, voice, shape, typeOf(type), segments, extended, bytes), sections,
    names: names === extendedNames && extended !== null ? extended.getUint32(shape.wide ? 40 : 24, shape.little) : names,
  };
}

function shapeOf(ident: DataView): Shape {
  const [wide, order] = [ident.getUint8(4), ident.getUint8(5)];
  if (wide !== 1 && wide !== 2) throw new RangeError(`the class ${wide} is neither 32 nor 64 bits`);
  if (order !== 1 && order !== 2) throw new RangeError(`the byte order ${order} does not exist`);
  return { wide: wide === 2, little: order === 1, word: wide === 2 ? 8 : 4 };
}

/** As glibc's open_verify (elf/dl-load.c) holds them. */
function checkIdent(view: DataView, { little }: Shape, voice: Voice) {
  if (view.getUint8(6) !== 1 || view.getUint32(20, little) !== 1) voice.refused('header', 6, 'The version is not 1');
  if ([9, 10, 11, 12, 13, 14, 15].some(at => view.getUint8(at) !== 0)) voice.refused('header', 9, 'The padding of the header is not zero: the loader refuses the file');
  const [system, version] = [systemOf(view.getUint8(7)), view.getUint8(8)];
  if (system !== 'system-v' && system !== 'linux' && system !== 'arm') voice.say('system', 'low', 0.6, 7, `It is for ${system}: Linux refuses the file`, evasion);
  else if (version > (system === 'linux' ? newestAbi : 0)) voice.refused('header', 8, `The version of its interface is ${version}: the loader refuses the file`);
}

/** A table that cannot be read is no obstacle to the loader, which never looks at it: only tools are blind then. */
function sectionTable(source: Source, voice: Voice, shape: Shape, table: Table, extended: boolean): Table | null {
  const entry = shape.wide ? 64 : 40;
  if (table.at === 0) {
    if (table.count > 0) voice.say('section-table', 'medium', 0.8, 0, `The header claims ${table.count} section headers and no place for them: tools read nothing`, evasion);
    return null;
  }
  const fits = (count: number) => table.at + count * entry <= source.size;
  if (table.count > 0 || extended) {
    if (table.entry !== entry) return unread(voice, `Section headers are said to have ${table.entry} bytes instead of ${entry}: tools read nothing, the loader does not care`);
  }
  if (!fits(1)) return unread(voice, `The section headers are said to be at byte ${table.at}, outside of the file: tools read nothing, the loader does not care`);
  const count = table.count > 0 ? table.count : word(copyOf(source, table.at, entry), shape.wide ? 32 : 20, shape);
  if (count > mostEntries) throw new RangeError(`it claims ${count} section headers`);
  if (!fits(count)) return unread(voice, `${count} section headers do not fit into the file: tools read nothing, the loader does not care`);
  return count === 0 ? null : { at: table.at, count, entry };
}

function unread(voice: Voice, message: string): null {
  voice.refused('section-table', 0, message);
  return null;
}

function segmentTable(source: Source, voice: Voice, shape: Shape, type: FileType, table: Table, extended: DataView | null, headerBytes: number): Table {
  const entry = shape.wide ? 56 : 32;
  if (table.count === 0) return { at: headerBytes, count: 0, entry };
  if (table.entry !== entry) throw new RangeError(`program headers are said to have ${table.entry} bytes instead of ${entry}: the loader refuses the file`);
  let count = table.count;
  if (count === extendedSegments && extended !== null) {
    count = extended.getUint32(shape.wide ? 44 : 28, shape.little) || count;
    if (type !== 'core') voice.say('extended-count', 'high', 0.8, 0, `The number of program headers stands in the first section header, where tools find ${count} and the loader does not look`, evasion);
  }
  if (count > mostEntries) throw new RangeError(`it claims ${count} program headers`);
  if (table.at + count * entry > source.size) throw new RangeError(`${count} program headers at byte ${table.at} do not fit into the file`);
  if (table.at < headerBytes) voice.say('table-overlap', 'medium', 0.9, table.at, `The program headers begin at byte ${table.at}, within the first header: no linker writes so`, evasion);
  return { at: table.at, count, entry };
}
