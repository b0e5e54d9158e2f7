import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';

/** A table of names that end with a zero byte. */
export interface Strings {
  readonly bytes: number;
  /** Latin 1, at most `longest` characters; null for a place outside of the table. */
  at(offset: number, longest?: number): string | null;
}

const longestPath = 4_096;
const blockBytes = 65_536;
/** 16 MiB in memory: names are asked for in any order, and those of libmxnet.so are 8 MiB. */
const mostBlocks = 256;

export function openStrings(source: Source, start: number, bytes: number, budget: Budget): Strings {
  const blocks = new Map<number, Buffer>();
  const block = (index: number): Buffer => {
    const known = blocks.get(index);
    if (known !== undefined) return known;
    budget.spend(30);
    const read = Buffer.from(Uint8Array.from(source.read(start + index * blockBytes, Math.min(blockBytes, bytes - index * blockBytes))).buffer);
    for (const oldest of blocks.keys()) {
      if (blocks.size < mostBlocks) break;
      blocks.delete(oldest);
    }
    blocks.set(index, read);
    return read;
  };
  return {
    bytes,
    at(offset, longest = longestPath) {
      if (offset >= bytes) return null;
      let text = '';
      for (let at = offset; at < bytes && text.length < longest;) {
        const here = block(Math.floor(at / blockBytes));
        const from = at % blockBytes;
        const end = here.indexOf(0, from);
        const to = Math.min(end < 0 ? here.length : end, from + longest - text.length);
        text += here.toString('latin1', from, to);
        if (end >= 0 || to <= from) break;
        at += to - from;
      }
      return text;
    },
  };
}
