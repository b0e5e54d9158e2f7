import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Dynamic, Tag } from './dynamic.ts';
import type { Header } from './header.ts';
import type { Image } from './image.ts';
import { eachEntry } from './shape.ts';
import type { Symbols } from './symbols.ts';
import { evasion, type Voice } from './voice.ts';

const mostRecords = 65_536;

/**
 * Symbol versions (Linux Standard Base, Symbol Versioning): each symbol has the number of a version that the file defines
 * or needs. The loader makes a table as long as the highest of these and looks up any number in it unchecked.
 */
export function checkVersions(source: Source, { shape: { little } }: Header, dynamic: Dynamic, image: Image, symbols: Symbols, budget: Budget, voice: Voice) {
  const versym = dynamic.get('versym');
  if (versym === undefined || symbols.table.count === 0) return;
  const at = image.place(versym, 2 * symbols.table.count);
  if (at === null) {
    voice.refused('version', dynamic.offset, 'The versions of symbols are not within a loaded part of the file: the loader reads beyond it');
    return;
  }
  const walk = (tag: Tag, visit: (at: number, view: DataView) => number) => {
    let address = dynamic.get(tag);
    for (let records = 0; address !== undefined; records++) {
      budget.spend(2);
      const view = image.read(address, tag === 'verneed' ? 16 : 20);
      if (view === null || records > mostRecords) return voice.refused('version', dynamic.offset, 'The list of versions has no end within the file: the loader reads beyond it');
      const next = visit(address, view);
      address = next === 0 ? undefined : address + next;
    }
  };
  let [highest, left] = [1, mostRecords];
  walk('verdef', (_address, view) => {
    highest = Math.max(highest, view.getUint16(4, little) & 0x7fff);
    return view.getUint32(16, little);
  });
  walk('verneed', (address, view) => {
    let inner: number | null = address + view.getUint32(8, little);
    for (let count = view.getUint16(2, little); count > 0 && inner !== null && left > 0; count--) {
      left -= 1;
      budget.spend(2);
      const needed = image.read(inner, 16);
      if (needed === null) break;
      highest = Math.max(highest, needed.getUint16(6, little) & 0x7fff);
      const step = needed.getUint32(12, little);
      inner = step === 0 ? null : inner + step;
    }
    return view.getUint32(12, little);
  });
  let beyond = 0;
  eachEntry(source, { at, count: symbols.table.count, entry: 2 }, budget, (view, step) => { if ((view.getUint16(step, little) & 0x7fff) > highest) beyond += 1; });
  if (beyond > 0) voice.say('version', 'high', 0.8, at, `Symbols have a version that does not exist, for which the loader reads beyond its table: ${beyond}`, ['T1203', ...evasion]);
}
