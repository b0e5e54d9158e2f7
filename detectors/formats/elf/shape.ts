import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';

/** How wide the fields of a file are, and in which order their bytes stand (System V gABI, EI_CLASS and EI_DATA). */
export interface Shape {
  /** ELF64; else ELF32. */
  readonly wide: boolean;
  readonly little: boolean;
  /** Bytes of an address or offset: 8 or 4. */
  readonly word: number;
}

/**
 * An address or offset. Above 2^53 it is not exact, but stays above: no file is so long, and no process has such an
 * address, so that it is outside of everything either way.
 */
export const word = (view: DataView, at: number, { wide, little }: Shape): number =>
  wide ? view.getUint32(at + (little ? 4 : 0), little) * 2 ** 32 + view.getUint32(at + (little ? 0 : 4), little) : view.getUint32(at, little);

/** A copy of [offset, offset + length), which the caller has checked to be in the file and at most 16 MiB. */
export function copyOf(source: Source, offset: number, length: number): DataView {
  const bytes = Uint8Array.from(source.read(offset, length));
  if (bytes.length < length) throw new RangeError(`the file ends at byte ${offset + bytes.length}, before its size`);
  return new DataView(bytes.buffer);
}

const windowBytes = 262_144;

/** A table of entries of one size at one place in the file. */
export interface Table { readonly at: number; readonly count: number; readonly entry: number }

/**
 * Visits each entry in turn, a window of the table in memory at a time. `visit` may read the source. The caller has
 * checked that the table is in the file. Throws BudgetError.
 */
export function eachEntry(source: Source, { at, count, entry }: Table, budget: Budget, visit: (view: DataView, at: number, index: number) => void) {
  const many = Math.max(1, Math.floor(windowBytes / entry));
  for (let index = 0; index < count; index += many) {
    const here = Math.min(many, count - index);
    const view = copyOf(source, at + index * entry, here * entry);
    budget.spend(20 + here / 20);
    for (let each = 0; each < here; each++) visit(view, each * entry, index + each);
  }
}

export const hex = (value: number): string => `0x${value.toString(16)}`;
