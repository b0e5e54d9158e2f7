import type { Hash } from 'node:crypto';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';
import { oddityOf, windowValues, worthALook } from './byte-planes.ts';
import type { ByteSums, Oddity } from './byte-planes.ts';
import { createCarver } from './carver.ts';
import type { Values } from './search.ts';
import { weightKernel } from './kernel.ts';
import type { Kernel } from './kernel.ts';
import { blockBytes, rawBase, results } from './layout.ts';
import { emptySummary, join, summarise } from './summary.ts';
import type { Summary } from './summary.ts';

export type { Values } from './search.ts';

/** Bytes a read; the whole pass holds one such window and the kernel's 1.1 MiB. */
const windowBytes = 1_048_576;
/** About what a block costs, in microseconds. */
const blockCost = 150;

/**
 * Reads the values of one array once: adds them to `hash`, returns their statistics, and notes executable content and
 * odd bytes in them. The caller has checked that the array lies within the source and is a whole number of values, and
 * tells `report.parsed`. Throws RangeError when the source ends before its size, BudgetError.
 */
export function readValues(source: Source, values: Values, hash: Hash, report: Report): Summary {
  if (values.bytes === 0) return emptySummary;
  const kernel = weightKernel();
  const carver = createCarver(source, report, values, kernel);
  const oddities = createOddities(values, report);
  let summary = emptySummary;
  for (let done = 0; done < values.bytes;) {
    const bytes = Math.min(windowBytes, values.bytes - done);
    // A view is valid until the next read, and the carver reads: it looks at a copy.
    const window = ownWindow(source, values.offset + done, bytes);
    hash.update(window);
    for (let at = 0; at < bytes; at += blockBytes) {
      const block = window.subarray(at, Math.min(at + blockBytes, bytes));
      kernel.memory.set(block, rawBase);
      summary = join(summary, summarise(kernel, values.dtype, block));
      if (block.length === blockBytes && values.dtype === 'float32') oddities.look(kernel, done + at);
      carver.look(block, done + at + block.length === values.bytes);
      report.budget.spend(blockCost * block.length / blockBytes);
    }
    done += bytes;
  }
  oddities.tell();
  return summary;
}

let window: Uint8Array | undefined;

function ownWindow(source: Source, offset: number, length: number): Uint8Array {
  window ??= new Uint8Array(windowBytes);
  const bytes = source.read(offset, length);
  if (bytes.length !== length) throw new RangeError(`the file ends at byte ${offset + bytes.length}, before its size`);
  window.set(bytes);
  return window.subarray(0, length);
}

const says: Record<Oddity, string> = {
  uniform: 'are as evenly distributed as encrypted or compressed data; in weights the upper ones are not',
  structured: 'are not random, while the values are many and precise; data seems to be written into the lowest byte of each',
};

/** Windows of one array that looked odd; only neighbours are told, since chance makes a single one. */
function createOddities({ offset, label }: Values, report: Report) {
  const runs: Record<Oddity, { windows: number; longest: number; end: number }> = {
    uniform: { windows: 0, longest: 0, end: 0 }, structured: { windows: 0, longest: 0, end: 0 },
  };
  return {
    look(kernel: Kernel, at: number) {
      const [values, sums] = [new Uint32Array(kernel.memory.buffer, rawBase, windowValues), sumsOf(kernel)];
      const oddity = worthALook(values, sums) ? oddityOf(values, sums) : null;
      for (const kind of ['uniform', 'structured'] as const) {
        const run = runs[kind];
        run.windows = kind === oddity ? run.windows + 1 : 0;
        if (run.windows > run.longest) { run.longest = run.windows; run.end = at + blockBytes; }
      }
    },
    tell() {
      for (const kind of ['uniform', 'structured'] as const) {
        const { longest, end } = runs[kind];
        if (longest < 2) continue;
        const where = { offset: offset + end - longest * blockBytes, length: longest * blockBytes };
        report.note({
          rule: `weights.${kind}-bytes`, severity: 'medium', confidence: 0.5, where, techniques: ['AML.T0018.002', 'T1027.003'],
          message: `${label}: the low bytes of ${longest * windowValues} neighbouring values ${says[kind]}`,
        });
      }
    },
  };
}

function sumsOf({ view }: Kernel): ByteSums {
  const total = (place: number): number => [0, 4, 8, 12].reduce((sum, lane) => sum + view.getUint32(place + lane, true), 0);
  return { top: total(results.top), topSquares: total(results.topSquares) };
}
