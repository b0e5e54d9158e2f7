import { createHash } from 'node:crypto';
import { kindOf } from '../kind.ts';
import { quoted } from '../quote.ts';
import type { Report } from '../report.ts';
import { slice, type Source } from '../source.ts';
import { readValues } from '../weights/values.ts';
import type { Header } from './header.ts';
import { fileBytes, type Section, sectionTypes } from './sections.ts';
import { type Segment, segmentTypes } from './segments.ts';
import { carrier, evasion, type Voice } from './voice.ts';

/** [start, end) in the file. */
type Range = readonly [start: number, end: number];
const windowBytes = 1_048_576;
const headBytes = 4_096;
/** Honest files have a few gaps at most. */
const mostSearched = 1_000;
/** Linkers write one or two executable segments. */
const mostLooked = 16;

export interface Parts {
  readonly header: Header;
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[];
  /** Where it begins to run, sorted. */
  readonly starts: readonly number[];
}

/** Accounts for every byte of the file: what the tables name, what is padding between, and what is neither. */
export function cover(source: Source, report: Report, { header, segments, sections, starts }: Parts, voice: Voice) {
  const shown = [...tablesOf(header), ...sectionRanges(source, sections, voice)];
  const mapped = segments.map(({ offset, fileBytes: bytes }) => range(offset, bytes));
  const known = union([...shown, ...mapped], source.size, report);
  let [at, gaps] = [0, 0];
  for (const [start, end] of known) {
    if (start > at) readGap(source, report, at, start, voice, gaps++ < mostSearched);
    report.parsed(end - start);
    at = end;
  }
  if (at < source.size) readOverlay(source, report, at, voice);
  const told = union(shown, source.size, report);
  if (sections.length > 0) checkCode(source, report, { header, segments, sections, starts }, told, voice);
  // The memory of a process is full of the heads of its libraries.
  if (header.type === 'core') return;
  carveSections(source, report, sections);
  for (const [start, end] of without(union(mapped, source.size, report), told)) carve(source, report, start, end, `What no section has, at byte ${start},`);
}

const tablesOf = ({ bytes, segments, sections }: Header): readonly Range[] => [
  [0, bytes], range(segments.at, segments.count * segments.entry), ...sections === null ? [] : [range(sections.at, sections.count * sections.entry)],
];

const range = (start: number, bytes: number): Range => [start, start + bytes];

/** Sorted, without overlaps, within the file. */
function union(ranges: readonly Range[], size: number, report: Report): readonly Range[] {
  report.budget.spend(ranges.length);
  const joined: [number, number][] = [];
  for (const [start, end] of ranges.filter(([from, to]) => to > from && from < size).sort(([one], [other]) => one - other)) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], Math.min(end, size));
    else joined.push([start, Math.min(end, size)]);
  }
  return joined;
}

function sectionRanges(source: Source, sections: readonly Section[], voice: Voice): readonly Range[] {
  const ranges: Range[] = [];
  for (const section of sections) {
    const bytes = fileBytes(section);
    if (bytes === 0) continue;
    if (section.offset + bytes > source.size) voice.refused('section', section.offset, `The section ${quoted(section.name)} reaches beyond the end of the file`);
    ranges.push(range(section.offset, bytes));
  }
  const sorted = ranges.toSorted(([one], [other]) => one - other);
  const clash = sorted.find(([start], index) => start < (sorted[index - 1]?.[1] ?? 0));
  if (clash !== undefined) voice.say('section-overlap', 'medium', 0.7, clash[0], 'Two sections have the same bytes of the file', evasion);
  return ranges;
}

function isZero(source: Source, report: Report, start: number, end: number): boolean {
  for (let at = start; at < end; at += windowBytes) {
    const piece = source.read(at, Math.min(windowBytes, end - at));
    report.budget.spend(1 + piece.length / 1_000);
    if (piece.some(byte => byte !== 0)) return false;
  }
  return true;
}

/** Searches for programs, archives and pickles; true when none was found. */
function carve(source: Source, report: Report, start: number, end: number, label: string): boolean {
  let found = false;
  report.budget.spend(20);
  const listening: Report = { ...report, note: note => { found = true; report.note(note); } };
  readValues(source, { offset: start, bytes: end - start, dtype: 'uint8', label }, createHash('sha256'), listening);
  return !found;
}

const excerpt = (source: Source, at: number, length: number): string => quoted(Uint8Array.from(source.read(at, Math.min(48, length))), 160);

function readGap(source: Source, report: Report, start: number, end: number, voice: Voice, search: boolean) {
  if (isZero(source, report, start, end)) { report.parsed(end - start); return; }
  voice.say('gap', 'low', 0.5, start, `${end - start} bytes belong to no section and no segment, and are not padding`, carrier, excerpt(source, start, end - start));
  if (search && carve(source, report, start, end, `What is between the parts, at byte ${start},`)) report.parsed(end - start);
  else report.skipped({ offset: start, length: end - start, why: 'in no section and no segment' });
}

/** Behind everything that a linker writes. */
function readOverlay(source: Source, report: Report, start: number, voice: Voice) {
  const bytes = source.size - start;
  if (isZero(source, report, start, source.size)) { report.parsed(bytes); return; }
  const { format } = kindOf('', Uint8Array.from(source.read(start, headBytes)));
  const known = format !== 'unknown' && format !== 'text';
  voice.say('overlay', 'medium', 0.8, start, `${bytes} bytes follow the end of the program${known ? `, and are ${format}` : ''}`, carrier, excerpt(source, start, bytes));
  if (known) {
    report.nested(`overlay-at-${start}`, slice(source, start, bytes));
    report.parsed(bytes);
    return;
  }
  carve(source, report, start, source.size, `What follows the program, at byte ${start},`);
  report.skipped({ offset: start, length: bytes, why: 'behind the end of the program' });
}

/**
 * Executable bytes that no section names: a disassembler does not show them. Tools that move sections (patchelf, as in
 * wheels) leave the old ones behind there, so it is grave only where something begins to run, or where no code is shown at all.
 */
function checkCode(source: Source, report: Report, { header, segments, sections, starts }: Parts, shown: readonly Range[], voice: Voice) {
  const code = segments.filter(({ type, execute, fileBytes: bytes }) => type === segmentTypes.load && execute && bytes > 0);
  const data = sections.filter(section => section.loaded && !section.execute).map(section => range(section.offset, fileBytes(section)));
  checkStarts(code, union([...tablesOf(header), ...data], source.size, report), starts, voice);
  const hiding = code.slice(0, mostLooked).filter(({ offset, fileBytes: bytes }) => !sections.some(each => each.execute && each.offset < offset + bytes && each.offset + fileBytes(each) > offset));
  report.budget.spend(sections.length / 10);
  let next = 0;
  for (const [start, end] of without(union(code.map(({ offset, fileBytes: bytes }) => range(offset, bytes)), source.size, report), shown)) {
    if (isZero(source, report, start, end)) continue;
    while (next < starts.length && (starts[next] ?? 0) < start) next += 1;
    const runs = next < starts.length && (starts[next] ?? 0) < end;
    const hidden = hiding.some(({ offset, fileBytes: bytes }) => offset < end && offset + bytes > start);
    const what = `${end - start} bytes of an executable segment are in no section`;
    if (runs || hidden) voice.say('code-outside-sections', 'high', 0.8, start, `${what}, ${runs ? 'and it begins to run there' : 'and no code of it is in one'}: tools do not show them as code`, evasion, excerpt(source, start, end - start));
    else voice.say('leftover', 'info', 0.6, start, `${what}, as tools that move sections leave them`, []);
  }
}

/** What runs is in a section that says so, not in a table that happens to be mapped with it. */
function checkStarts(code: readonly Segment[], data: readonly Range[], starts: readonly number[], voice: Voice) {
  const inCode = (at: number) => code.slice(0, mostLooked).some(({ offset, fileBytes: bytes }) => at >= offset && at < offset + bytes);
  let next = 0;
  for (const start of starts) {
    while (next < data.length && (data[next]?.[1] ?? 0) <= start) next += 1;
    if ((data[next]?.[0] ?? Infinity) <= start && inCode(start)) voice.say('code-outside-sections', 'high', 0.7, start, 'It begins to run in a table or section that is shown as data', evasion);
  }
}

/** Both sorted and without overlaps. */
function* without(ranges: readonly Range[], others: readonly Range[]): Generator<Range> {
  let index = 0;
  for (const [start, end] of ranges) {
    let at = start;
    for (; index < others.length; index++) {
      const [from, to] = others[index] ?? [end, end];
      if (from >= end) break;
      if (from > at) yield [at, from];
      at = Math.max(at, to);
      if (to >= end) break;
    }
    if (at < end) yield [at, end];
  }
}

/** Parts of the file that nobody loads: programs and archives in them are carried along. */
function carveSections(source: Source, report: Report, sections: readonly Section[]) {
  // Not compressed debugging information, nor the xz data in which Fedora's packages carry their symbols.
  const carried = sections.filter(({ name, type, loaded, compressed }) => type === sectionTypes.content && !loaded && !compressed && name !== '.gnu_debugdata');
  for (const [start, end] of union(carried.map(({ offset, bytes }) => range(offset, bytes)), source.size, report)) {
    carve(source, report, start, end, `What is not loaded, at byte ${start},`);
  }
}
