import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Header } from './header.ts';
import { eachEntry, hex, word } from './shape.ts';
import { evasion, runsAtLoad, type Voice } from './voice.ts';

/** p_type, as the gABI and the GNU extensions number them. */
export const segmentTypes = { load: 1, dynamic: 2, interpreter: 3, note: 4, stack: 0x6474e551 } as const;

/** One program header. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly align: number;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** A flag that has no meaning. */
  readonly oddFlags: boolean;
}

const page = 4_096;
const mostLoads = 256;
/** Neither PF_X, PF_W, PF_R nor what is left to systems and processors. */
const meaningless = 0x000ffff8;
const mostMemory = 2 ** 32;
/** Processors on which a library without a word about the stack makes it executable (glibc, DEFAULT_STACK_PERMS). */
const executableByDefault: ReadonlySet<string> = new Set(['x86-64', 'i386', 'arm', 'powerpc', 'mips', 'sparc', 's390', 'm68k', 'parisc', 'sh']);

export function readSegments(source: Source, { segments, shape: layout }: Header, budget: Budget): readonly Segment[] {
  const all: Segment[] = [];
  eachEntry(source, segments, budget, (view, at) => {
    const field = (index: number) => word(view, at + (layout.wide ? 8 : 4) + index * layout.word, layout);
    const flags = view.getUint32(at + (layout.wide ? 4 : 24), layout.little);
    all.push({
      type: view.getUint32(at, layout.little), offset: field(0), address: field(1), fileBytes: field(3), memoryBytes: field(4),
      align: word(view, at + (layout.wide ? 48 : 28), layout), read: (flags & 4) !== 0, write: (flags & 2) !== 0, execute: (flags & 1) !== 0,
      oddFlags: (flags & meaningless) !== 0,
    });
  });
  return all;
}

/** What loader and kernel make of the program headers of a library or program. */
export function checkSegments(segments: readonly Segment[], header: Header, size: number, voice: Voice) {
  const loads = segments.filter(({ type }) => type === segmentTypes.load);
  if (loads.length === 0) voice.refused('segment', header.segments.at, 'No segment is loaded: the loader refuses the file');
  if (loads.length > mostLoads) voice.say('segment-count', 'medium', 0.8, header.segments.at, `${loads.length} segments are loaded; linkers write fewer than ten`, evasion);
  loads.forEach((load, index) => {
    checkLoad(load, size, voice);
    const before = loads[index - 1];
    if (before !== undefined) checkNeighbours(before, load, voice);
  });
  checkStack(segments, header, voice);
  const isStarted = header.type === 'executable' || segments.some(({ type }) => type === segmentTypes.interpreter);
  if (isStarted && header.entry !== 0 && !loads.some(load => load.execute && holds(load, header.entry))) {
    voice.say('entry', 'medium', 0.8, 24, `The entry point ${hex(header.entry)} is in no executable segment`, evasion);
  }
}

export const holds = ({ address, memoryBytes }: Segment, place: number): boolean => place >= address && place - address < memoryBytes;

function checkLoad({ offset, address, fileBytes, memoryBytes, align, read, write, execute, oddFlags }: Segment, size: number, voice: Voice) {
  const name = `The segment at ${hex(address)}`;
  if (fileBytes > memoryBytes) voice.refused('segment', offset, `${name} has more bytes in the file than in memory: the loader refuses the file`);
  if (fileBytes > 0 && offset + fileBytes > size) voice.refused('segment', offset, `${name} reaches ${offset + fileBytes - size} bytes beyond the end of the file`);
  if (address + memoryBytes > 2 ** 53) voice.refused('segment', offset, `${name} ends where no process has memory`);
  else if (memoryBytes - fileBytes > mostMemory) voice.say('segment-memory', 'medium', 0.8, offset, `${name} asks for ${Math.floor(memoryBytes / 2 ** 30)} GiB of memory`, ['T1499.004']);
  if (oddFlags || (memoryBytes > 0 && !read && !execute)) voice.say('segment-flags', 'medium', 0.8, offset, `${name} has flags that no linker writes`, evasion);
  const isPower = align <= 2 ** 31 && (align & (align - 1)) === 0;
  if (align > 1 && (!isPower || (address - offset) % align !== 0)) voice.refused('segment', offset, `${name} is not aligned as it says: the loader refuses the file`);
  if (write && execute) voice.say('writable-code', 'high', 0.8, offset, `${name} is writable and executable: code can be changed while it runs, as unpackers do`, ['T1027.002', ...runsAtLoad]);
}

/** The loader reserves room from the first segment to the last, and places each over what is there. */
function checkNeighbours(before: Segment, load: Segment, voice: Voice) {
  if (load.address < before.address) {
    voice.say('segment-order', 'high', 0.8, load.offset, `The segment at ${hex(load.address)} comes after that at ${hex(before.address)}: a loader may place it over other memory of the process`, ['T1203', ...evasion]);
    return;
  }
  const end = before.address + before.memoryBytes;
  const samePage = load.memoryBytes > 0 && before.fileBytes > 0 && Math.floor(load.address / page) === Math.floor((before.address + before.fileBytes - 1) / page);
  if (end > load.address || (samePage && load.address - load.offset !== before.address - before.offset)) {
    voice.say('segment-overlap', 'high', 0.8, load.offset, `The segment at ${hex(load.address)} covers a part of that at ${hex(before.address)}: tools show other bytes than run`, evasion);
  }
}

function checkStack(segments: readonly Segment[], { type, machine }: Header, voice: Voice) {
  const stack = segments.find(each => each.type === segmentTypes.stack);
  if (stack?.execute === true) voice.say('executable-stack', 'medium', 0.7, 0, 'It makes the stack of the whole process executable', ['T1203', 'T1129']);
  if (stack === undefined && type === 'shared' && executableByDefault.has(machine.name)) voice.say('stack-unsaid', 'low', 0.5, 0, 'It does not say whether the stack may be executable, and this loader then makes it so', ['T1203']);
}
