import { createHash } from 'node:crypto';
import type { DType } from '../../../../detectors/formats/weights/dtype.ts';
import { readValues } from '../../../../detectors/formats/weights/values.ts';
import { defineFormat } from '../../../../detectors/formats/format.ts';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import type { Observation } from '../../../../agent/contract/finding.ts';

/** What is said of these bytes when they are the values of one array, standing `offset` bytes into a file. */
export function observe(bytes: Uint8Array, dtype: DType, offset = 0): readonly Observation[] {
  const file = new Uint8Array(offset + bytes.length);
  file.set(bytes, offset);
  const format = defineFormat({
    name: 'values', fits: () => true,
    inspect(source, report) { readValues(source, { offset, bytes: bytes.length, dtype, label: 'Array 0' }, createHash('sha256'), report); },
  });
  return inspectSource('v', sourceOf(file), [format]).observations;
}
