import { createHash } from 'node:crypto';
import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { defineFormat } from '../../../../detectors/formats/format.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { dtypes, widthOf } from '../../../../detectors/formats/weights/dtype.ts';
import type { DType } from '../../../../detectors/formats/weights/dtype.ts';
import type { Summary } from '../../../../detectors/formats/weights/summary.ts';
import { readValues } from '../../../../detectors/formats/weights/values.ts';
import { random } from './families.ts';

function summaryOf(bytes: Uint8Array, dtype: DType): { readonly summary: Summary; readonly sha256: string } {
  const told: { summary: Summary; sha256: string }[] = [];
  const format = defineFormat({
    name: 'values', fits: () => true,
    inspect(source, report) {
      const hash = createHash('sha256');
      const summary = readValues(source, { offset: 0, bytes: bytes.length, dtype, label: 'Array 0' }, hash, report);
      told.push({ summary, sha256: hash.digest('hex') });
    },
  });
  inspectSource('v', sourceOf(bytes), [format]);
  const [first] = told;
  if (!first) throw new Error('nothing was told');
  return first;
}

/** One value, as a plain reader sees it. */
function valueAt(view: DataView, at: number, dtype: DType): number {
  switch (dtype) {
    case 'float32': return view.getFloat32(at, true);
    case 'float64': return view.getFloat64(at, true);
    case 'float16': return view.getFloat16(at, true);
    case 'int8': return view.getInt8(at);
    case 'uint8': case 'bool': return view.getUint8(at);
    case 'int16': return view.getInt16(at, true);
    case 'uint16': return view.getUint16(at, true);
    case 'int32': return view.getInt32(at, true);
    case 'uint32': return view.getUint32(at, true);
    case 'int64': return Number(view.getBigInt64(at, true));
    case 'uint64': return Number(view.getBigUint64(at, true));
    case 'bfloat16': { const wide = new DataView(new ArrayBuffer(4)); wide.setUint16(2, view.getUint16(at, true), true); return wide.getFloat32(0, true); }
    default: return dtype satisfies never;
  }
}

const near = (one: number, two: number): boolean => Math.abs(one - two) <= 1e-9 * Math.max(Math.abs(one), Math.abs(two), 1e-300);

for (const dtype of dtypes) {
  test(`statistics and digest of ${dtype} are those of a plain loop`, t => {
    for (const count of [1, 3, 4, 9_001, 140_001]) {
      const next = random(count);
      const bytes = Uint8Array.from({ length: count * widthOf(dtype) }, () => Math.floor(next() * 256));
      // Huge float64 have no finite sum of squares anywhere.
      if (dtype === 'float64') for (let at = 7; at < bytes.length; at += 8) bytes[at] = 0x3f;
      const view = new DataView(bytes.buffer);
      const values = Array.from({ length: count }, (_, index) => valueAt(view, index * widthOf(dtype), dtype));
      const finite = values.filter(value => Number.isFinite(value));
      const { summary, sha256 } = summaryOf(bytes, dtype);
      t.is(sha256, createHash('sha256').update(bytes).digest('hex'));
      t.is(summary.count, finite.length);
      t.is(summary.nan, values.filter(value => Number.isNaN(value)).length);
      t.is(summary.infinite, values.length - finite.length - summary.nan);
      t.is(summary.least, finite.reduce((least, value) => Math.min(least, value), Infinity));
      t.is(summary.most, finite.reduce((most, value) => Math.max(most, value), -Infinity));
      const mean = finite.reduce((sum, value) => sum + value / finite.length, 0);
      const deviations = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      t.true(Math.abs(summary.mean - mean) <= 1e-9 * Math.sqrt(deviations / Math.max(1, finite.length)) + 1e-12 * Math.abs(mean), `${dtype} ${count}: ${summary.mean} ${mean}`);
      t.true(near(summary.deviations, deviations) || count === 1, `${dtype} ${count}: ${summary.deviations} ${deviations}`);
    }
  });
}

test('the spread of numbers far from zero is not lost', t => {
  const values = Float32Array.from({ length: 100_000 }, (_, index) => 10_000 + index % 2);
  const { summary } = summaryOf(new Uint8Array(values.buffer), 'float32');
  t.true(Math.abs(summary.deviations / summary.count - 0.25) < 1e-6);
});
