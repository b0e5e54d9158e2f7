import type { Severity } from '../../agent/contract/finding.ts';
import { inBrief } from './brevity.ts';
import type { Format } from './format.ts';
import { defineFormat } from './format.ts';
import { kindOf } from './kind.ts';
import { isPickle } from './pickle/probe.ts';
import type { Report } from './report.ts';
import type { Source } from './source.ts';
import { slice } from './source.ts';

/** dmlc-core include/dmlc/recordio.h: kMagic, then flag (3 bits) and length (29 bits), data, padding to 4. */
const magic = 0xced7230a;
const [whole, first, middle, last] = [0, 1, 2, 3];
const windowBytes = 1_048_576;
const headBytes = 4_096;
/** An image header of MXNet (recordio.py IRHeader) stands before the content of most records. */
const imageHeader = 24;
const hidden: ReadonlySet<string> = new Set(['elf', 'pe', 'mach-o', 'java-class', 'script']);

/**
 * RecordIO (`.rec`): framing only; what a record holds is the business of whoever reads it, so it counts as parsed and is
 * looked at for programs and pickles at its beginning. MXRecordIOReader stops without an error at a first part without its
 * end, a lone later part and an unknown flag, so that everything behind is silently unread.
 */
export const recordio: Format = defineFormat({
  name: 'recordio',
  fits: ({ name, head }) => [0x0a, 0x23, 0xd7, 0xce].every((byte, index) => head[index] === byte)
    || (/\.rec$/i.test(name) && ['unknown', 'text'].includes(kindOf(name, head).format)),
  inspect: inBrief((source, report) => {
    const tally = { records: 0, parts: 0, payload: 0, longest: 0 };
    const say = speaker(report);
    let [at, open] = [0, 0];
    while (at < source.size) {
      report.budget.spend(2);
      const part = readHeader(source, at);
      if (typeof part === 'string') {
        report.malformed();
        say('framing', 'medium', part, at);
        report.skipped({ offset: at, length: source.size - at, why: 'behind broken framing' });
        break;
      }
      open = follow(part, open, say);
      if (part.flag === whole || part.flag === first) look(source, part, report, say);
      scan(source, part, report, say);
      tally.parts += 1;
      tally.payload += part.length;
      tally.longest = Math.max(tally.longest, part.length);
      if (part.flag === whole || part.flag === last) tally.records += 1;
      report.parsed(part.end - at);
      at = part.end;
    }
    if (open > 0) say('unfinished', 'medium', 'The last record has a first part and no end: the reader stops without an error', at);
    report.inventory('records', tally);
  }),
});

interface Part { readonly at: number; readonly flag: number; readonly data: number; readonly length: number; readonly end: number }
type Say = (rule: string, severity: Severity, message: string, offset: number) => void;

const speaker = (report: Report): Say => (rule, severity, message, offset) => {
  report.note({ rule: `recordio.${rule}`, severity, confidence: 0.8, techniques: severity === 'high' ? ['AML.T0018.002', 'T1027.009'] : ['AML.T0076'], message, where: { offset } });
};

/** Or what is wrong with it: then nothing behind it can be found. */
function readHeader(source: Source, at: number): Part | string {
  const header = Uint8Array.from(source.read(at, 8));
  if (header.length < 8) return `${source.size - at} bytes are left, and a record's header has 8`;
  const view = new DataView(header.buffer);
  if (view.getUint32(0, true) !== magic) return 'A record does not begin with the magic number';
  const word = view.getUint32(4, true);
  const length = word % 2 ** 29;
  const data = at + 8;
  const end = data + length + (4 - length % 4) % 4;
  if (end > source.size) return `A record claims ${length} bytes and its padding, and ${source.size - data} are left`;
  return { at, flag: word >>> 29, data, length, end };
}

/** `open`: parts of the record at hand, 0 outside of one. Returns the same after this part. */
function follow({ at, flag, length }: Part, open: number, say: Say): number {
  const silently = 'the reader stops without an error, and what follows is unread';
  if (flag > last) say('flag', 'medium', `A record has the continuation flag ${flag}, which does not exist: ${silently}`, at);
  else if (open > 0 && (flag === whole || flag === first)) say('unfinished', 'medium', `A record begins before the one in parts has ended: ${silently}`, at);
  else if (open === 0 && (flag === middle || flag === last)) say('lone-part', 'medium', `A later part of a record has no first one: ${silently}`, at);
  // A writer divides only where the magic number stands, which is at a multiple of four.
  if ((flag === first || flag === middle) && length % 4 !== 0) say('part-length', 'medium', `A part that is continued has ${length} bytes, no multiple of four`, at);
  return flag === first ? 1 : flag === middle && open > 0 ? open + 1 : 0;
}

/** Programs and pickles at the beginning of a record, with and without an image header. */
function look(source: Source, { data, length }: Part, report: Report, say: Say) {
  for (const skip of [0, imageHeader]) {
    if (length - skip < 16) return;
    const head = Uint8Array.from(source.read(data + skip, Math.min(headBytes, length - skip)));
    if (head[0] === 0x80 && isPickle(slice(source, data + skip, length - skip), 0, report.budget)) {
      say('pickle', 'low', 'A record holds a pickle: what reads the records may unpickle it', data + skip);
      report.nested(`record-at-${data}`, slice(source, data + skip, length - skip));
      return;
    }
    const kind = [0x7f, 0x4d, 0x23, 0xca, 0xce, 0xcf, 0xfe].includes(head[0] ?? 0) ? kindOf('', head).format : '';
    if (hidden.has(kind)) say('executable', 'high', `A record of ${length} bytes begins as ${kind}`, data + skip);
  }
}

/** A magic number in the data, at a multiple of four, would have been divided; readers that search for records find another one. */
function scan(source: Source, { data, length, end }: Part, report: Report, say: Say) {
  for (let done = 0; done < length; done += windowBytes) {
    const piece = source.read(data + done, Math.min(windowBytes, length - done));
    report.budget.spend(piece.length / 2_000);
    for (let at = piece.indexOf(0x0a); at >= 0 && at + 4 <= piece.length; at = piece.indexOf(0x0a, at + 1)) {
      if (at % 4 === 0 && piece[at + 1] === 0x23 && piece[at + 2] === 0xd7 && piece[at + 3] === 0xce) {
        say('magic-inside', 'medium', 'The magic number stands in the data of a record, where a writer would divide it: readers that search for records disagree', data + done + at);
        break;
      }
    }
  }
  const padding = source.read(data + length, end - data - length);
  if (padding.some(byte => byte !== 0)) say('padding', 'medium', 'The padding behind a record is not zero', data + length);
}
