import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { slice } from '../source.ts';
import { type Extension, isExtension, readExtension } from './tar-extension.ts';
import type { Tell } from './tar-flaws.ts';
import { blockBytes, isZero, readHeader, type TarHeader } from './tar-header.ts';
import { type Member, resolve } from './tar-member.ts';

const windowBytes = 1_048_576;

/**
 * The members in the order of the archive, as the most forgiving readers find them: behind a block that is no header the next
 * one is searched for, as GNU tar does, and so it is behind the end of the archive, as do readers that ignore zeros. Counts
 * what was understood; the data of a member counts before it is given.
 */
export function* walk(source: Source, report: Report, tell: Tell): Generator<Member> {
  let extension: Extension | null = null;
  let at = 0;
  while (at < source.size) {
    report.budget.spend(4);
    const block = Uint8Array.from(source.read(at, blockBytes));
    const header: TarHeader | null = block.length === blockBytes ? readHeader(block) : null;
    if (header === null) {
      if (extension) { tell('extension-alone', extension.at, 'An extension header has no member behind it'); extension = null; }
      const zeros = isZero(block);
      const next: number | null = zeros ? passEnd(source, at, report, tell) : passGap(source, at, report, tell);
      if (next === null) return;
      at = next;
      continue;
    }
    for (const { rule, message } of header.flaws) tell(rule, at, `In a header ${message}`);
    if (isExtension(header.type)) {
      if (header.type === 'X') tell('type', at, 'An extended header is in the form of Solaris, which other readers take for a file');
      const size = Number.isNaN(header.size) || header.size < 0 ? 0 : header.size;
      const end = at + blockBytes + Math.ceil(size / blockBytes) * blockBytes;
      if (end > source.size) { tellCut(source, at, report, tell); return; }
      extension = readExtension({ ...header, size }, { source, data: at + blockBytes, end, budget: report.budget, tell }, extension);
      report.parsed(end - at);
      at = end;
      continue;
    }
    const member = resolve(header, at, extension, source, tell);
    extension = null;
    if (member.end <= source.size) report.parsed(member.end - at);
    yield member;
    if (member.end > source.size) { tellCut(source, member.at, report, tell); return; }
    at = member.end;
  }
  report.malformed();
  tell('no-end', at, 'The archive ends without the blocks that mark its end: it may be cut');
}

function tellCut(source: Source, at: number, report: Report, tell: Tell) {
  report.malformed();
  tell('cut', at, `A member is cut: the archive ends at byte ${source.size}`);
  report.skipped({ offset: at, length: source.size - at, why: 'a member is cut' });
}

/** Where members go on behind the end mark at `at`; null when nothing does. */
function passEnd(source: Source, at: number, report: Report, tell: Tell): number | null {
  const stop = endOfZeros(source, at, report);
  if (stop - at < 2 * blockBytes) tell('no-end', at, 'One block of zeros stands where two mark the end: some readers stop there');
  if (stop === source.size) {
    report.parsed(stop - at);
    if (stop % blockBytes !== 0) { report.malformed(); tell('cut', at, 'The archive ends within a block'); }
    return null;
  }
  const start = stop - stop % blockBytes;
  report.parsed(start - at);
  const next = findHeader(source, start, report);
  if (next !== null) tell('behind-end', next, 'Members stand behind the end of the archive: only readers that ignore zeros see them');
  if (next === start) return next;
  tell('trailing', start, `${(next ?? source.size) - start} bytes that are no member stand behind the end of the archive`);
  leave(source, start, next ?? source.size, 'behind the end of the archive', report);
  return next;
}

/** Where members go on behind what is no header at `at`. RangeError when it is not the archive's business at all. */
function passGap(source: Source, at: number, report: Report, tell: Tell): number | null {
  const next = findHeader(source, at + blockBytes, report);
  if (at === 0 && next === null) throw new RangeError('it does not begin with a header, and none follows');
  report.malformed();
  tell('header', at, next === null ? 'No header stands where one should: what follows is no member' : 'No header stands where one should: Python ends there without an error, GNU tar goes on behind it');
  leave(source, at, next ?? source.size, 'no member', report);
  return next;
}

/** Another reader may know what this is. */
function leave(source: Source, start: number, end: number, why: string, report: Report) {
  report.skipped({ offset: start, length: end - start, why });
  report.nested(`bytes-at-${start}`, slice(source, start, end - start));
}

function endOfZeros(source: Source, from: number, report: Report): number {
  for (let at = from; at < source.size; at += windowBytes) {
    const piece = source.read(at, windowBytes);
    report.budget.spend(1 + piece.length / 2_000);
    if (!isZero(piece)) return at + piece.findIndex(byte => byte !== 0);
  }
  return source.size;
}

/** The next block at or behind `from` whose sum makes it a header. */
function findHeader(source: Source, from: number, report: Report): number | null {
  for (let at = from; at + blockBytes <= source.size; at += windowBytes) {
    const piece = Uint8Array.from(source.read(at, windowBytes));
    for (let inside = 0; inside + blockBytes <= piece.length; inside += blockBytes) {
      report.budget.spend(1);
      if (readHeader(piece.subarray(inside, inside + blockBytes)) !== null) return at + inside;
    }
  }
  return null;
}
