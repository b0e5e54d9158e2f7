import type { Report } from '../report.ts';
import { plainShape } from './shape.ts';
import type { ArrayRecord } from './record.ts';

/** What is kept of the arrays of a file: counts of all, and the first ones, as far as there is room. */
export interface Stock {
  add(record: ArrayRecord): void;
  name(index: number, name: string): void;
  tell(report: Report): void;
}

export const mostListed = 2_000;
/** Of JSON: leaves room for the counts within what an inventory may hold. */
const listBytes = 52_000;

interface Totals { arrays: number; bytes: number; values: number; nan: number; infinite: number; constant: number }
type Entry = Record<string, unknown>;

export function createStock(digest: { update(text: string): unknown; digest(encoding: 'hex'): string }): Stock {
  const totals: Totals = { arrays: 0, bytes: 0, values: 0, nan: 0, infinite: 0, constant: 0 };
  const [dtypes, layouts, storages] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const listed: Entry[] = [];
  return {
    add(record) {
      const { summary } = record;
      totals.arrays += 1;
      totals.bytes += record.bytes;
      totals.values += summary.count + summary.nan + summary.infinite;
      totals.nan += summary.nan;
      totals.infinite += summary.infinite;
      if (isConstant(record)) totals.constant += 1;
      count(dtypes, record.dtype ?? 'none');
      count(layouts, record.layout);
      count(storages, record.storage);
      digest.update(`${record.sha256 ?? ''}\n`);
      if (listed.length < mostListed) listed.push(entryOf(record));
    },
    name(index, name) {
      const entry = listed[index];
      if (entry) listed[index] = { name, ...entry };
    },
    tell(report) {
      for (const [key, value] of Object.entries(totals)) report.inventory(key, value);
      for (const [key, value] of [['dtypes', dtypes], ['layouts', layouts], ['storages', storages]] as const) report.inventory(key, Object.fromEntries(value));
      report.inventory('contentSha256', digest.digest('hex'));
      const fitting = cut(listed);
      report.inventory('tensorsLeftOut', totals.arrays - fitting.length);
      report.inventory('tensors', fitting);
    },
  };
}

const count = (counts: Map<string, number>, key: string) => { counts.set(key, (counts.get(key) ?? 0) + 1); };

const isConstant = ({ summary: { count: finite, least, most, nan, infinite } }: ArrayRecord): boolean => finite > 0 && nan + infinite === 0 && least === most;

/** min, max, mean and std (of the population) speak of the finite values; they are absent where there are none. */
function entryOf(record: ArrayRecord): Entry {
  const { layout, storage, dtype, shape, bytes, sha256, summary: { count: finite, least, most, mean, deviations, nan, infinite } } = record;
  const round = (value: number): number => Number(value.toPrecision(7));
  return {
    layout, storage, dtype, shape: plainShape(shape), bytes, sha256,
    ...(finite > 0 ? { min: round(least), max: round(most), mean: round(mean), std: round(Math.sqrt(deviations / finite)) } : {}),
    ...(nan > 0 ? { nan } : {}), ...(infinite > 0 ? { inf: infinite } : {}), ...(isConstant(record) ? { constant: true } : {}),
  };
}

function cut(entries: readonly Entry[]): readonly Entry[] {
  let left = listBytes;
  const end = entries.findIndex(entry => { left -= JSON.stringify(entry).length + 1; return left < 0; });
  return end < 0 ? entries : entries.slice(0, end);
}
