import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { isUnreadable } from './failure.ts';

/** A table as it can be read from a damaged file, by the schema of a sound one. */
export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** By which its rows are found: the row id, or the columns of the primary key. */
  readonly key: readonly string[];
  /** Its indexes that hold every key. */
  readonly indexes: readonly string[];
}

export type Row = Readonly<Record<string, SQLInputValue>>;

export interface Taker {
  /** Keeps the row, if it is fit to be kept. */
  put(row: Row): void;
  has(key: readonly SQLInputValue[]): boolean;
  /** Time is up. */
  late(): boolean;
}

/** How far the reading of a table came: every row was met; or so many rows there must have been (null: nobody knows). */
export type Reach = { readonly whole: true } | { readonly whole: false; readonly known: number | null };

/** Looks into a hole between two row ids that cannot be read. */
const mostProbes = 2_000;

export function tableOf(sound: DatabaseSync, name: string): Table {
  const columns = sound.prepare('SELECT name, pk FROM pragma_table_info(?) ORDER BY cid').all(name);
  const hasRowId = sound.prepare('SELECT wr FROM pragma_table_list WHERE name = ?').get(name)?.['wr'] === 0;
  const key = hasRowId ? ['rowid'] : columns.filter(({ pk }) => Number(pk) > 0).sort((one, other) => Number(one['pk']) - Number(other['pk'])).map(column => String(column['name']));
  const indexes = sound.prepare('SELECT name, origin FROM pragma_index_list(?) ORDER BY name').all(name)
    .filter(({ origin }) => hasRowId || origin !== 'pk').map(index => String(index['name']));
  return { name, columns: columns.map(column => String(column['name'])), key, indexes };
}

/**
 * Gives what of the table can be read: from its beginning and from its end up to what cannot be; then, by keys that an
 * index still has, each row alone; then, by row ids, whatever lies between two holes.
 */
export function readTable(wreck: DatabaseSync, table: Table, taker: Taker, lastRowId: bigint): Reach {
  const walk = walker(wreck, table, taker);
  const up = walk('', [], 'ASC');
  if (up.end !== 'hole') return up.end === 'all' ? { whole: true } : { whole: false, known: null };
  const last = up.last;
  const down = last === null ? walk('', [], 'DESC') : walk(`WHERE ${tuple(table.key)} > ${marks(table.key)}`, last, 'DESC');
  if (down.end === 'all') return { whole: true };
  const known = byIndexes(wreck, table, taker);
  if (known === null && table.key[0] === 'rowid') betweenHoles(walk, [rowIdOf(last) ?? 0n, rowIdOf(down.last) ?? lastRowId + 1n], taker);
  return { whole: false, known: taker.late() ? null : known };
}

interface Walked { readonly end: 'all' | 'hole' | 'late'; readonly last: readonly SQLInputValue[] | null }
type Walk = (where: string, values: readonly SQLInputValue[], direction: 'ASC' | 'DESC') => Walked;

const quoted = (name: string): string => name === 'rowid' ? name : `"${name}"`;
const tuple = (key: readonly string[]): string => `(${key.map(quoted).join(', ')})`;
const marks = (key: readonly string[]): string => `(${key.map(() => '?').join(', ')})`;
const rowIdOf = (key: readonly SQLInputValue[] | null): bigint | null => typeof key?.[0] === 'bigint' ? key[0] : null;

function walker(wreck: DatabaseSync, { name, columns, key }: Table, taker: Taker): Walk {
  const keys = key.map((each, index) => `${quoted(each)} AS "key ${index}"`);
  return (where, values, direction) => {
    let last: SQLInputValue[] | null = null;
    try {
      const select = wreck.prepare(`SELECT ${[...keys, ...columns.map(quoted)].join(', ')} FROM "${name}" NOT INDEXED ${where} ORDER BY ${key.map(each => `${quoted(each)} ${direction}`).join(', ')}`);
      // A number beyond what JavaScript counts exactly must not stop the reading.
      select.setReadBigInts(true);
      for (const row of select.iterate(...values)) {
        last = key.map((_, index) => row[`key ${index}`] ?? null);
        taker.put(row);
        if (taker.late()) return { end: 'late', last };
      }
      return { end: 'all', last };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return { end: 'hole', last };
    }
  };
}

/** How many keys an index has that could be read to its end; null when none could. */
function byIndexes(wreck: DatabaseSync, table: Table, taker: Taker): number | null {
  const walk = walker(wreck, table, taker);
  let known: number | null = null;
  for (const index of table.indexes) {
    let count = 0;
    try {
      const keys = wreck.prepare(`SELECT ${table.key.map((each, at) => `${quoted(each)} AS "key ${at}"`).join(', ')} FROM "${table.name}" INDEXED BY "${index}"`);
      keys.setReadBigInts(true);
      for (const row of keys.iterate()) {
        const key = table.key.map((_, at) => row[`key ${at}`] ?? null);
        count += 1;
        if (!taker.has(key)) walk(`WHERE ${tuple(table.key)} = ${marks(table.key)}`, key, 'ASC');
        if (taker.late()) return null;
      }
      known = Math.max(known ?? 0, count);
    } catch (error) { if (!isUnreadable(error)) throw error; }
  }
  return known;
}

/** The widest stretch that is not known to be read is tried first, from its middle. */
function betweenHoles(walk: Walk, first: readonly [bigint, bigint], taker: Taker): void {
  const gaps = [first];
  for (let probes = 0; probes < mostProbes && gaps.length > 0 && !taker.late(); probes += 1) {
    const widest = gaps.reduce((best, [from, to], index) => to - from > (gaps[best]?.[1] ?? 0n) - (gaps[best]?.[0] ?? 0n) ? index : best, 0);
    const [[from, to] = [0n, 0n]] = gaps.splice(widest, 1);
    if (to - from <= 1n) return;
    const middle = (from + to) / 2n;
    const up = walk('WHERE rowid >= ? AND rowid < ?', [middle, to], 'ASC');
    if (up.end === 'hole') gaps.push([rowIdOf(up.last) ?? middle, to]);
    const down = walk('WHERE rowid > ? AND rowid < ?', [from, middle], 'DESC');
    if (down.end === 'hole') gaps.push([from, rowIdOf(down.last) ?? middle]);
  }
}
