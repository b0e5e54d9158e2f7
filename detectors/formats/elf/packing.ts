import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Header } from './header.ts';
import { type Segment, segmentTypes } from './segments.ts';
import type { Voice } from './voice.ts';

const sampleBytes = 4_194_304;
const leastBytes = 8_192;
/** Linkers write one or two executable segments. */
const mostSampled = 16;
/** Machine code has some 6 bits of information a byte; what is compressed or encrypted has almost 8. */
const packedBits = 7.3;
/** An unpacker asks for few functions: what it unpacks asks for the others. */
const fewImports = 16;

/** UPX's own mark, or executable segments without the look of code and almost no imports. */
export function checkPacking(source: Source, header: Header, segments: readonly Segment[], imports: number, budget: Budget, voice: Voice) {
  const mark = findMark(source, header);
  if (mark !== null) {
    voice.say('packed', 'high', 0.9, mark, 'It is packed by UPX: its code is not in sight before it runs', ['T1027.002']);
    return;
  }
  if (imports > fewImports) return;
  const code = segments.filter(({ type, execute, fileBytes }) => type === segmentTypes.load && execute && fileBytes >= leastBytes);
  for (const { offset, fileBytes } of code.slice(0, mostSampled)) {
    const bits = entropy(source, offset, Math.min(fileBytes, sampleBytes), budget);
    if (bits > packedBits) voice.say('packed', 'high', 0.7, offset, `Its code has ${bits.toFixed(1)} bits of information a byte and it asks for ${imports} functions: it is packed or encrypted`, ['T1027.002']);
  }
}

/** The loader of UPX has its mark behind the program headers (l_info of its stub), and another at the end of the file. */
function findMark(source: Source, { segments }: Header): number | null {
  const start = segments.at + segments.count * segments.entry;
  for (const [at, length] of [[start, 64], [Math.max(0, source.size - 64), 64]] as const) {
    const found = Buffer.from(Uint8Array.from(source.read(at, length)).buffer).indexOf('UPX!', 0, 'latin1');
    if (found >= 0) return at + found;
  }
  return null;
}

/** Bits a byte. */
function entropy(source: Source, offset: number, length: number, budget: Budget): number {
  const counts = new Uint32Array(256);
  const bytes = source.read(offset, length);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  budget.spend(bytes.length / 500);
  return counts.reduce((sum, count) => count === 0 ? sum : sum - count / bytes.length * Math.log2(count / bytes.length), 0);
}
