import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Dynamic } from './dynamic.ts';
import type { Header } from './header.ts';
import type { Image } from './image.ts';
import { copyOf, eachEntry, type Shape, type Table, word } from './shape.ts';
import { evasion, type Voice } from './voice.ts';

/** STT_ and STB_ numbers (gABI; 10 is GNU's). */
export const symbolTypes = { function: 2, indirect: 10 } as const;
const bindings = { global: 1, weak: 2, unique: 10 } as const;

/** Longer than any name that we look for. */
const longestName = 128;

export interface DynamicSymbol {
  /** Its first characters. */
  readonly name: string;
  readonly value: number;
  readonly type: number;
  /** Found elsewhere, by name. */
  readonly imported: boolean;
  /** Others may find it by name. */
  readonly exported: boolean;
}

/** Where the loader has its symbols, and as many as anything in the file refers to. */
export interface Symbols {
  readonly address: number;
  readonly table: Table;
  /** Null outside of the table. */
  get(index: number): DynamicSymbol | null;
  /** Null symbols, local ones and those without a type or name included. */
  each(visit: (symbol: DynamicSymbol) => void): void;
}

/** `count`: of the symbols. Null when there are none that the loader could read. */
export function openSymbols(source: Source, { shape }: Header, dynamic: Dynamic, image: Image, count: number, budget: Budget, voice: Voice): Symbols | null {
  const address = dynamic.get('symbols');
  const { strings } = dynamic;
  if (address === undefined || strings === null) return null;
  const entry = shape.wide ? 24 : 16;
  if ((dynamic.get('symbolEntry') ?? entry) !== entry) voice.refused('dynamic-entry', dynamic.offset, 'The dynamic section tells another size of symbols than they have');
  const at = image.place(address, entry * Math.max(1, count));
  if (at === null) {
    voice.refused('dynamic-address', dynamic.offset, `${count} dynamic symbols are not within a loaded part of the file: the loader reads beyond it`);
    return null;
  }
  let nameless = 0;
  const decode = (view: DataView, step: number): DynamicSymbol => {
    const name = strings.at(view.getUint32(step, shape.little), longestName);
    if (name === null) nameless += 1;
    return { ...fieldsOf(view, step, shape), name: name ?? '' };
  };
  const table = { at, count, entry };
  return {
    address, table,
    get: index => index >= count ? null : decode(copyOf(source, at + index * entry, entry), 0),
    each(visit) {
      nameless = 0;
      eachEntry(source, table, budget, (view, step) => {
        budget.spend(0.3);
        visit(decode(view, step));
      });
      if (nameless > 0) voice.say('symbol-name', 'high', 0.8, at, `Dynamic symbols have names outside of the table of names, beyond which the loader reads: ${nameless}`, evasion);
    },
  };
}

function fieldsOf(view: DataView, step: number, shape: Shape): Omit<DynamicSymbol, 'name'> {
  const info = view.getUint8(step + (shape.wide ? 4 : 12));
  const visibility = view.getUint8(step + (shape.wide ? 5 : 13)) & 3;
  const section = view.getUint16(step + (shape.wide ? 6 : 14), shape.little);
  const binding = info >> 4;
  const open = binding === bindings.global || binding === bindings.weak || binding === bindings.unique;
  return {
    value: word(view, step + (shape.wide ? 8 : 4), shape), type: info & 15, imported: section === 0 && open,
    exported: section !== 0 && open && (visibility === 0 || visibility === 3),
  };
}
