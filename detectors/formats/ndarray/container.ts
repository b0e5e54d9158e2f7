import { createHash } from 'node:crypto';
import { readText } from '../../../agent/contract/text.ts';
import { defineFormat } from '../format.ts';
import { kindOf } from '../kind.ts';
import { quoted } from '../quote.ts';
import { BudgetError } from '../report.ts';
import type { Report } from '../report.ts';
import { slice } from '../source.ts';
import type { Source } from '../source.ts';
import { readValues } from '../weights/values.ts';
import { createCursor } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { noteFlaw } from './flaws.ts';
import { createStock, mostListed } from './inventory.ts';
import type { Stock } from './inventory.ts';
import { createNameCheck, longestName } from './names.ts';
import { readRecord } from './record.ts';
import { createTensors } from './tensors.ts';
import type { Tensors } from './tensors.ts';

/*
 * The array container, as MXNDArrayLoad reads it (src/ndarray/ndarray.cc NDArray::Load of a list): u64 0x112, u64
 * reserved, u64 N, N records, u64 K, K names. `.params` files are this, whatever their name.
 */

const magic = [0x12, 0x01, 0, 0, 0, 0, 0, 0];
/** An array without content in layout V2. */
const shortestRecord = 12;
/** What the loader asks for before it reads: bytes a claimed record and a claimed name. */
const [recordClaim, nameClaim] = [224, 8];
/** From here on a claim that the file cannot keep is an attack on memory, below it a cut file. */
const exhausting = 64 * 2 ** 20;
/** Beyond, names are not compared with each other; the largest models have thousands. */
const mostArrays = 200_000;

export const ndarrayContainer = defineFormat({
  name: 'ndarray-container',
  fits: ({ head }) => magic.every((byte, index) => head[index] === byte),
  inspect(source, report) {
    const progress = createProgress(report);
    const stock = createStock(createHash('sha256'));
    const tensors = createTensors();
    let whole = false;
    try {
      readContainer(source, report, { stock, tensors }, progress);
      whole = true;
    } catch (error) {
      if (!(error instanceof RangeError) || error instanceof BudgetError) throw error;
      searchRest(source, report, progress.at);
      throw error;
    } finally {
      stock.tell(report);
      tensors.tell(report, whole);
    }
  },
});

/** How far the file was read: `understood` bytes are told as parsed, those passed over are not. */
interface Progress { readonly at: number; understood(to: number): void; passed(to: number): void }

function createProgress(report: Report): Progress {
  let at = 0;
  return {
    get at() { return at; },
    understood(to) { report.parsed(to - at); at = to; },
    passed(to) { at = to; },
  };
}

interface Kept { readonly stock: Stock; readonly tensors: Tensors }

function readContainer(source: Source, report: Report, kept: Kept, progress: Progress) {
  const cursor = createCursor(source, 8);
  const reserved = cursor.u64('the header');
  if (reserved !== 0n) noteFlaw(report, 'reserved', 8, `The reserved field is 0x${reserved.toString(16)}, not 0`);
  const arrays = readCount(cursor, report, 'count', 'arrays', shortestRecord, recordClaim);
  progress.understood(cursor.at);
  if (arrays > mostArrays) noteFlaw(report, 'many', 16, `It holds ${arrays} arrays, more than any model has; their names are not compared with each other`);
  readRecords(source, report, kept, arrays, progress);
  readNames(createCursor(source, progress.at), report, kept, arrays, progress);
  if (progress.at < source.size) readTail(source, report, progress.at);
}

/** A u64 that says how many things follow, of which each takes `least` bytes or more. */
function readCount(cursor: Cursor, report: Report, flaw: 'count' | 'name-count-claim', what: string, least: number, claim: number): number {
  const { at } = cursor;
  const count = cursor.u64(`the number of ${what}`);
  const room = Math.floor(cursor.left / least);
  if (count <= BigInt(room)) return Number(count);
  if (count * BigInt(claim) >= BigInt(exhausting)) noteFlaw(report, flaw, at, `It claims ${count} ${what} and has room for ${room}: the loader reserves ${count * BigInt(claim)} bytes before it reads one`);
  throw new RangeError(`it claims ${count} ${what} and has room for ${room}`);
}

function readRecords(source: Source, report: Report, { stock, tensors }: Kept, arrays: number, progress: Progress) {
  const layouts = new Set<string>();
  for (let index = 0; index < arrays; index++) {
    report.budget.spend(20);
    const record = readRecord(source, progress.at, report, `Array ${index}`);
    layouts.add(record.layout);
    stock.add(record);
    tensors.add(record);
    progress.understood(record.end);
  }
  if (layouts.size < 2) return;
  const told = [...layouts].join(', ');
  if (layouts.has('V3')) noteFlaw(report, 'v3-mixed', 24, `It mixes the layout of numpy arrays with others (${told}): no process can load all of them`);
  else noteFlaw(report, 'mixed-layouts', 24, `It mixes the layouts ${told}: one writer uses one`);
}

function readNames(cursor: Cursor, report: Report, { stock, tensors }: Kept, arrays: number, progress: Progress) {
  const start = cursor.at;
  const names = readCount(cursor, report, 'name-count-claim', 'names', 8, nameClaim);
  if (names !== 0 && names !== arrays) {
    noteFlaw(report, 'name-count', start, `It has ${names} names for ${arrays} arrays`);
    throw new RangeError(`${names} names for ${arrays} arrays`);
  }
  progress.understood(cursor.at);
  report.inventory('named', names > 0);
  const check = createNameCheck(report, start);
  for (let index = 0; index < names; index++) {
    report.budget.spend(2);
    const { at } = cursor;
    const length = readLength(cursor, report);
    const name = cursor.bytes(Math.min(length, longestName), 'a name');
    if (names <= mostArrays) check.look(name, at);
    if (index < mostListed) stock.name(index, readText(name, 256));
    tensors.name(index, name);
    progress.understood(cursor.at);
    if (length > longestName) passLongName(cursor, report, length - longestName, at, progress);
  }
  check.end();
}

function readLength(cursor: Cursor, report: Report): number {
  const { at } = cursor;
  const length = cursor.u64('the length of a name');
  if (length <= BigInt(cursor.left)) return Number(length);
  if (length >= BigInt(exhausting)) noteFlaw(report, 'name-length', at, `A name claims ${length} bytes, and ${cursor.left} are left: the loader reserves them before it reads`);
  throw new RangeError(`a name of ${length} bytes, and ${cursor.left} are left`);
}

/** Its rest is no name: it is not understood, and is told as such. */
function passLongName(cursor: Cursor, report: Report, rest: number, at: number, progress: Progress) {
  noteFlaw(report, 'long-name', at, `A name has ${longestName + rest} bytes`);
  report.skipped({ offset: cursor.at, length: rest, why: 'the rest of a very long name' });
  cursor.skip(rest);
  progress.passed(cursor.at);
}

/** Loaders ignore whatever follows the last name. */
function readTail(source: Source, report: Report, at: number) {
  const head = Uint8Array.from(source.read(at, 4_096));
  const kind = kindOf('', head).format;
  noteFlaw(report, 'trailing', at, `After the last name follow ${source.size - at} bytes that loaders ignore${kind === 'unknown' ? '' : ` (${kind})`}`, quoted(head.subarray(0, 48), 160));
  report.skipped({ offset: at, length: source.size - at, why: 'bytes after the last name' });
  if (kind !== 'unknown' && kind !== 'text') report.nested('trailing data', slice(source, at, source.size - at));
  else searchRest(source, report, at);
}

/** Bytes that belong to nothing are searched for programs all the same. */
function searchRest(source: Source, report: Report, at: number) {
  readValues(source, { offset: at, bytes: source.size - at, dtype: 'uint8', label: `What follows byte ${at}` }, createHash('sha256'), report);
}
