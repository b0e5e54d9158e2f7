import type { Severity } from '../../../agent/contract/finding.ts';
import { inBrief } from '../brevity.ts';
import { defineFormat, type Format } from '../format.ts';
import { kindOf } from '../kind.ts';
import { BudgetError, type Report } from '../report.ts';
import type { Source } from '../source.ts';
import { slice } from '../source.ts';
import { type GzipHeader, isGzip, readGzipHeader } from './gzip-header.ts';
import { join, type Segment, soundBytes } from './gzip-stream.ts';
import { inflate } from './inflate.ts';
import { inspectContent } from './member-content.ts';
import { judgeName } from './member-name.ts';

const trailerBytes = 8;
const windowBytes = 1_048_576;
const mostMembers = 100_000;
/** Weights pack badly, and even zeros give no more than a thousand times. */
const [bombBytes, bombRatio] = [268_435_456, 200];

/**
 * Gzip (RFC 1952). All members make one content, as gzip and Python read it; it goes through its own parser, and so does
 * what a broken stream gives before it breaks.
 */
export const gzip: Format = defineFormat({
  name: 'gzip',
  fits: ({ name, head }) => isGzip(head) || (/\.(?:gz|tgz)$/i.test(name) && ['unknown', 'text'].includes(kindOf(name, head).format)),
  inspect: inBrief((source, report, name) => {
    const say = speaker(report);
    const segments: Segment[] = [];
    let [at, inner, whole] = [0, null as string | null, null as Source | null];
    while (at < source.size) {
      const start = segments.length === 0 ? 0 : skipPadding(source, at, report, say);
      if (start === source.size) break;
      const header = segments.length === 0 ? readGzipHeader(source, start) : furtherHeader(source, start);
      if (header === null || segments.length === mostMembers) { leave(source, start, report, say); break; }
      if (segments.length === 1) say('several', start > at ? 'high' : 'medium', start, 'A second member follows: some programs read the first one only');
      report.budget.spend(50);
      judgeHeader(header, start, report, say);
      inner ??= header.name === null ? null : Buffer.from(header.name).toString();
      const end = unpack(source, header, start, segments, report, say);
      whole = segments.length === 1 && end.content ? end.content : null;
      if (end.at === null) break;
      report.parsed(end.at - start);
      at = end.at;
    }
    report.inventory('gzip', { members: segments.length, bytes: segments.reduce((sum, { size }) => sum + size, 0) });
    inspectContent(Buffer.from(innerName(name, inner)), whole ?? join(source, segments, report.budget), report);
  }),
});

/** Null where no member begins. */
function furtherHeader(source: Source, at: number): GzipHeader | null {
  try { return readGzipHeader(source, at); } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return null;
  }
}

type Say = (rule: string, severity: Severity, offset: number, message: string, evidence?: string) => void;

const speaker = (report: Report): Say => (rule, severity, offset, message, evidence) => {
  const techniques = carriers.has(rule) ? ['T1027.009', 'AML.T0018.002'] : severity === 'info' || severity === 'low' ? [] : rule === 'ratio' ? ['T1499.004', 'AML.T0029'] : ['AML.T0076'];
  report.note({ rule: `gzip.${rule}`, severity, confidence: 0.8, techniques, message, where: { offset }, ...(evidence === undefined ? {} : { evidence }) });
};

const carriers: ReadonlySet<string> = new Set(['several', 'trailing', 'extra', 'long-comment']);

function judgeHeader({ name, flaws }: GzipHeader, at: number, report: Report, say: Say) {
  for (const { rule, message, evidence } of flaws) say(rule, rule === 'comment' ? 'info' : 'medium', at, message, evidence);
  if (name === null) return;
  for (const flaw of judgeName(name)) report.note({ ...flaw, where: { offset: at } });
}

/** Where the member ends, null when nothing behind it can be found; and its content when it is whole. */
function unpack(source: Source, { data }: GzipHeader, start: number, segments: Segment[], report: Report, say: Say): { at: number | null; content: Source | null } {
  let inflated: ReturnType<typeof inflate>;
  try { inflated = inflate(source, data, report.budget); } catch (error) {
    if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
    const sound = soundBytes(source, data, report.budget);
    segments.push({ data, size: sound });
    report.malformed();
    report.skipped({ offset: data, length: source.size - data, why: 'behind the break of a packed stream' });
    say('broken', 'medium', data, `Of a member only ${sound} bytes can be unpacked: ${error.message}`);
    return { at: null, content: null };
  }
  const { size, crc32, consumed, source: content } = inflated;
  segments.push({ data, size });
  if (size > bombBytes && size > bombRatio * consumed) say('ratio', 'medium', start, `${consumed} bytes unpack to ${size}`);
  const trailer = Uint8Array.from(source.read(data + consumed, trailerBytes));
  if (trailer.length < trailerBytes) {
    report.malformed();
    say('cut', 'medium', data + consumed, 'The sum and size behind a member are cut');
    return { at: source.size, content };
  }
  const view = new DataView(trailer.buffer);
  const [sum, length] = [view.getUint32(0, true), view.getUint32(4, true)];
  if (sum !== crc32) { report.malformed(); say('sum', 'medium', data + consumed, `A member's sum is ${crc32.toString(16)}, and ${sum.toString(16)} stands behind it`); }
  if (length !== size % 2 ** 32) { report.malformed(); say('size', 'medium', data + consumed + 4, `A member has ${size} bytes, and ${length} stands behind it`); }
  return { at: data + consumed + trailerBytes, content };
}

/** Where something other than zeros stands. */
function skipPadding(source: Source, from: number, report: Report, say: Say): number {
  let at = from;
  for (let stop = -1; stop < 0 && at < source.size;) {
    const piece = source.read(at, windowBytes);
    report.budget.spend(1 + piece.length / 2_000);
    stop = piece.findIndex(byte => byte !== 0);
    at += stop < 0 ? piece.length : stop;
  }
  if (at > from) say('padding', 'low', from, `${at - from} zeros stand behind a member`);
  report.parsed(at - from);
  return at;
}

function leave(source: Source, at: number, report: Report, say: Say) {
  say('trailing', 'medium', at, `${source.size - at} bytes stand behind the last member that is read: gzip ignores what is none`);
  report.skipped({ offset: at, length: source.size - at, why: 'behind the last member' });
  report.nested(`bytes-at-${at}`, slice(source, at, source.size - at));
}

/** As `gunzip` names it: without the ending, else what the header says. */
function innerName(name: string, stated: string | null): string {
  const last = name.slice(name.lastIndexOf('/') + 1);
  const bare = last.replace(/\.tgz$/i, '.tar').replace(/\.(?:gz|gzip)$/i, '');
  return bare !== last && bare !== '' ? bare : stated?.slice(stated.lastIndexOf('/') + 1) || 'content';
}
