import { kindOf } from '../kind.ts';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { slice, sourceOf } from '../source.ts';
import { contentOf } from './content.ts';
import type { Listener, Place } from './listener.ts';
import { opcodeOf } from './opcodes.ts';
import { isPickle } from './probe.ts';
import type { Bytes, Text } from './values.ts';

const headBytes = 4_096;
const longestDecoded = 4_194_304;
const mostNested = 50;
/** First bytes of what `executable` names. */
const signatures: ReadonlySet<number> = new Set([0x7f, 0x4d, 0xcf, 0xce, 0xfe, 0xca, 0x23, 0x50]);
const executable: ReadonlySet<string> = new Set(['elf', 'pe', 'mach-o', 'java-class', 'script', 'zip']);

/**
 * Looks for documents inside constants: a pickle, plain or in Base64, goes through its own inspection; programs are told.
 * Constants are looked at from their beginning only; those of arrays are the record parser's and the weights' business.
 */
export function lookInside(source: Source, report: Report, tell: Listener['tell']): Listener['constant'] {
  let found = 0;
  return (value: Text | Bytes, place: Place) => {
    const { extent } = value;
    if (extent.size < 4) return;
    if (found >= mostNested) {
      if (found++ === mostNested) report.skipped({ offset: extent.at, length: extent.length, why: `more than ${mostNested} documents in constants; this one and those behind it were not looked into` });
      return;
    }
    const name = `constant-at-${place.offset}`;
    const content = readable(value, source);
    const first = content.read(0, 1)[0] ?? 0;
    // Most constants are array records, and begin as nothing that is looked for.
    if (opcodeOf[first] === undefined && !signatures.has(first) && !isBase64(Uint8Array.of(first))) return;
    const head = Uint8Array.from(content.read(0, headBytes));
    if (isPickle(content, 0, report.budget)) {
      found += 1;
      tell({ rule: 'nested', severity: 'high', why: 'hides', message: `A constant of ${extent.size} ${value.kind === 'text' ? 'characters' : 'bytes'} is a pickle itself` }, place);
      report.nested(name, content);
      return;
    }
    const decoded = base64(head, content, report);
    if (decoded && isPickle(decoded, 0, report.budget)) {
      found += 1;
      tell({ rule: 'nested', severity: 'high', why: 'hides', message: `A constant of ${extent.size} ${value.kind === 'text' ? 'characters' : 'bytes'} is a pickle in Base64` }, place);
      report.nested(`${name}.base64`, decoded);
      return;
    }
    const kind = value.kind === 'text' || !signatures.has(first) ? null : kindOf('', head).format;
    if (kind === null || !executable.has(kind)) return;
    found += 1;
    tell({ rule: 'executable', severity: 'high', why: 'hides', message: `A constant of ${extent.size} bytes begins as ${kind}` }, place);
  };
}

/** A text that is in memory is read from there; one with characters beyond Latin-1 can be no pickle, and is read as it stands. */
function readable(value: Text | Bytes, source: Source): Source {
  if (value.kind === 'text' && value.text !== null) return sourceOf(Uint8Array.from(Buffer.from(value.text, 'latin1')));
  return value.kind === 'text' && !value.latin1 ? slice(source, value.extent.at, value.extent.length) : contentOf(value.extent, source);
}

/** Null when it is none; the whole of it is decoded only when its beginning decodes to an opcode of the first rank. */
function base64(head: Uint8Array, content: Source, report: Report): Source | null {
  if (content.size < 16 || !isBase64(head.subarray(0, 64))) return null;
  // PROTO, GLOBAL, MARK or another opcode that a pickle begins with.
  const first = Buffer.from(Buffer.from(head.subarray(0, 4)).toString('latin1'), 'base64')[0] ?? 0;
  if (![0x80, 0x63, 0x28, 0x7d, 0x5d, 0x8c, 0x58, 0x56, 0x95].includes(first)) return null;
  const parts: string[] = [];
  for (let done = 0; done < Math.min(content.size, longestDecoded); done += 65_536) {
    const piece = Uint8Array.from(content.read(done, 65_536));
    if (!isBase64(piece)) return null;
    parts.push(Buffer.from(piece).toString('latin1'));
  }
  const bytes = Buffer.from(parts.join(''), 'base64');
  report.budget.unpack(bytes.length);
  return sourceOf(Uint8Array.from(bytes));
}

const isBase64 = (bytes: Uint8Array): boolean => bytes.every(byte =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || [0x2b, 0x2f, 0x2d, 0x5f, 0x3d, 0x0a, 0x0d].includes(byte));
