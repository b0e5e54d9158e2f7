import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Shape } from './shape.ts';
import { type Segment, segmentTypes } from './segments.ts';

const longest = 65_536;
const mostNotes = 16;
const buildId = 3;

/** In hexadecimal, from the notes of the program headers (owner GNU, type 3); undefined when there is none. */
export function buildIdOf(source: Source, { little }: Shape, segments: readonly Segment[], budget: Budget): string | undefined {
  for (const { offset, fileBytes, align } of segments.filter(({ type }) => type === segmentTypes.note).slice(0, mostNotes)) {
    const bytes = Uint8Array.from(source.read(offset, Math.min(fileBytes, longest)));
    const view = new DataView(bytes.buffer);
    const step = align === 8 ? 8 : 4;
    const padded = (length: number) => Math.ceil(length / step) * step;
    for (let at = 0; at + 12 <= bytes.length;) {
      budget.spend(1);
      const [name, content, type] = [view.getUint32(at, little), view.getUint32(at + 4, little), view.getUint32(at + 8, little)];
      const start = at + 12 + Math.ceil(name / 4) * 4;
      if (type === buildId && name === 4 && content <= 64 && String.fromCharCode(...bytes.subarray(at + 12, at + 16)) === 'GNU\0' && start + content <= bytes.length) return Buffer.from(bytes.subarray(start, start + content)).toString('hex');
      at = start + padded(content);
    }
  }
  return undefined;
}
