import type { TensorFact } from '../fact.ts';
import type { Report } from '../report.ts';
import type { ArrayRecord } from './record.ts';

/** What other files of the model are held against: every array's name, shape and type, as far as there is room. */
export interface Tensors {
  add(record: ArrayRecord): void;
  name(index: number, name: Uint8Array): void;
  /** `whole`: the file was read to its last name. */
  tell(report: Report, whole: boolean): void;
}

/** The largest models have thousands; 16 MiB of names are more than any has. */
const mostTensors = 200_000;
const mostNameBytes = 16_777_216;

export function createTensors(): Tensors {
  const kept: TensorFact[] = [];
  const text = new TextDecoder();
  let [all, nameBytes] = [0, 0];
  return {
    add({ shape, dtype, bytes }) {
      all += 1;
      if (kept.length < mostTensors) kept.push({ name: '', shape: shape.map(Number), dtype: dtype ?? 'none', bytes });
    },
    name(index, name) {
      const tensor = kept[index];
      nameBytes += name.length;
      if (tensor && nameBytes <= mostNameBytes) kept[index] = { ...tensor, name: text.decode(name) };
    },
    tell(report, whole) {
      report.fact({ type: 'tensors', tensors: kept, complete: whole && all === kept.length && nameBytes <= mostNameBytes });
    },
  };
}
