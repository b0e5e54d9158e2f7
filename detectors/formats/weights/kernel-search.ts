import { bytes, choose, i32, i32x4, i8x16, procedure, repeatWhile, v128, when, words } from './assembler.ts';
import type { Code, Local, Procedure, Statement } from './assembler.ts';
import { candidates, rawBase, results, tables } from './layout.ts';

type Vector = Code<'v128'>;
const zero = i32.const(0);
const nothing = v128.const(Array.from({ length: 16 }, () => 0));
const advance = (local: Local<'i32'>, by: number): Statement => local.set(i32.add(local.get, i32.const(by)));

/** The text tests: one vector of each 64 bytes, in which all bytes count, or only the lowest three, two or one of each value. */
const textMasks = [0, 0xff000000, 0xffff0000, 0xffffff00] as const;

interface Locals { readonly i32: () => Local<'i32'>; readonly v128: () => Local<'v128'> }

/** How many times in a row the vector that stands at `at` was text, and where the longest such run ended. The last mask is the mildest. */
function textTest(at: Local<'i32'>, local: Locals, masks: readonly number[]) {
  const [value, mildest] = [local.v128(), local.i32()];
  const runs = masks.map(mask => ({ mask, run: local.i32(), longest: local.i32(), end: local.i32() }));
  const printable = v128.or(i8x16.less(i8x16.subtract(value.get, bytes(32)), bytes(95)), i8x16.less(i8x16.subtract(value.get, bytes(9)), bytes(5)));
  const passes = (mask: number): Code<'i32'> => i8x16.all(mask === 0 ? value.get : v128.or(value.get, words(mask)));
  return {
    look: [
      value.set(v128.load(at.get)),
      value.set(printable),
      mildest.set(passes(masks.at(-1) ?? 0)),
      when(i32.isZero(mildest.get), ...runs.map(({ run }) => run.set(zero))),
      when(mildest.get, ...runs.flatMap(({ mask, run, longest, end }) => [
        run.set(choose(passes(mask), i32.add(run.get, i32.const(1)), zero)),
        when(i32.greater(run.get, longest.get), longest.set(run.get), end.set(i32.add(at.get, i32.const(64)))),
      ])),
    ],
    tell: runs.flatMap(({ longest, end }, index) => [i32.store(zero, longest.get, results.textRuns + 4 * index), i32.store(zero, end.get, results.textEnds + 4 * index)]),
  };
}

/** The lookup tables: which signatures may have a byte as their first, and as their second, by its two nibbles. */
function lookups(local: Locals) {
  const tablesOf = [tables.first, tables.first + 16, tables.second, tables.second + 16].map(place => ({ place, local: local.v128() }));
  const [firstLow, firstHigh, secondLow, secondHigh] = tablesOf.map(table => table.local);
  if (!firstLow || !firstHigh || !secondLow || !secondHigh) throw new TypeError('four tables');
  const look = (low: Local<'v128'>, high: Local<'v128'>) => (value: Local<'v128'>): Vector =>
    v128.and(i8x16.swizzle(low.get, v128.and(value.get, bytes(15))), i8x16.swizzle(high.get, i8x16.shiftRight(value.get, 4)));
  return { load: tablesOf.map(table => table.local.set(v128.load(zero, table.place))), first: look(firstLow, firstHigh), second: look(secondLow, secondHigh) };
}

/** Runs the statements for each byte of the vector that is not zero, with its place in `place`. */
const eachHit = (hit: Local<'v128'>, at: Local<'i32'>, offset: number, bits: Local<'i32'>, place: Local<'i32'>, ...statements: readonly Statement[]): Statement =>
  when(v128.any(hit.get),
    bits.set(i8x16.bitmask(i8x16.notEqual(hit.get, nothing))),
    repeatWhile(bits.get,
      place.set(i32.add(at.get, i32.add(i32.countTrailingZeros(bits.get), i32.const(offset)))),
      ...statements,
      bits.set(i32.and(bits.get, i32.subtract(bits.get, i32.const(1))))));

const anyOf = (hits: readonly Local<'v128'>[]): Code<'i32'> => v128.any(hits.map(hit => hit.get).reduce((left, right) => v128.or(left, right)));

/**
 * scan(from, end): where a signature may begin in [from, end). Two bytes are looked up by nibble, sixteen places at
 * once (the Teddy algorithm of Hyperscan); only what passes is compared. Reads at most 256 bytes beyond the end.
 */
export const scan = (): Procedure => procedure('scan', 2, ([at, end], local) => {
  if (!at || !end) throw new TypeError('two parameters');
  const locals: Locals = { i32: () => local('i32'), v128: () => local('v128') };
  const [value, hits] = [local('v128'), [local('v128'), local('v128'), local('v128'), local('v128')]] as const;
  const [bits, place, word, found] = [local('i32'), local('i32'), local('i32'), local('i32')];
  const [text, { load, first, second }] = [textTest(at, locals, textMasks.slice(0, 1)), lookups(locals)];
  const comparison = compare(word, place, zero, pointsNear(i32.load8(place.get, 61), i32.load8(place.get, 62), i32.load8(place.get, 63)), found, locals);
  return [
    ...load,
    repeatWhile(i32.less(at.get, end.get),
      ...hits.flatMap((hit, index) => [
        value.set(v128.load(at.get, 16 * index)),
        hit.set(first(value)),
        value.set(v128.load(at.get, 16 * index + 1)),
        hit.set(v128.and(hit.get, second(value))),
      ]),
      ...text.look,
      when(anyOf(hits), ...hits.map((hit, index) => eachHit(hit, at, 16 * index, bits, place,
        when(i32.less(place.get, end.get), word.set(i32.load(place.get)), comparison)))),
      advance(at, 64)),
    i32.store(zero, found.get, results.found), ...text.tell,
  ];
});

/**
 * sift(from, end): as `scan` at once for all lanes of the float32 values in [from, end), without writing them out. Two
 * bytes that follow each other in a lane stand one, two or more bytes apart: what the second one may be is looked up
 * once and moved to each of these distances. `from` is at a value; reads at most 256 bytes beyond the end.
 */
export const sift = (): Procedure => procedure('sift', 2, ([at, end], local) => {
  if (!at || !end) throw new TypeError('two parameters');
  const locals: Locals = { i32: () => local('i32'), v128: () => local('v128') };
  const [value, seconds, following, hits] = [local('v128'), local('v128'), local('v128'), [local('v128'), local('v128'), local('v128'), local('v128')]] as const;
  const [bits, place, start, byte, reading, last, word, found] = [local('i32'), local('i32'), local('i32'), local('i32'), local('i32'), local('i32'), local('i32'), local('i32')];
  const [text, { load, first, second }] = [textTest(at, locals, textMasks), lookups(locals)];
  const next = local('v128');
  const byteAt = (index: number): Code<'i32'> => i32.load8(i32.add(start.get, i32.load8(reading.get, index)));
  const comparison = compare(word, place, i32.shiftRight(i32.subtract(reading.get, i32.const(tables.readings)), 3), pointsNear(byteAt(4), byteAt(5), byteAt(6)), found, locals);
  const tryReadings: readonly Statement[] = [
    byte.set(i32.and(i32.subtract(place.get, i32.const(rawBase)), i32.const(3))),
    start.set(i32.subtract(place.get, byte.get)),
    reading.set(i32.load8(byte.get, tables.readingGroups)),
    last.set(i32.load8(byte.get, tables.readingGroups + 1)),
    repeatWhile(i32.less(reading.get, last.get),
      word.set(i32.or(i32.or(byteAt(0), i32.shiftLeft(byteAt(1), 8)), i32.or(i32.shiftLeft(byteAt(2), 16), i32.shiftLeft(byteAt(3), 24)))),
      comparison,
      advance(reading, tables.readingBytes)),
  ];
  return [
    ...load,
    value.set(v128.load(at.get)),
    seconds.set(second(value)),
    repeatWhile(i32.less(at.get, end.get),
      ...hits.flatMap((hit, index) => [
        hit.set(first(value)),
        value.set(v128.load(at.get, 16 * index + 16)),
        following.set(second(value)),
        next.set(i8x16.shuffle(seconds.get, following.get, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])),
        hit.set(v128.and(hit.get, afterEach(seconds.get, next.get))),
        seconds.set(following.get),
      ]),
      ...text.look,
      when(anyOf(hits), ...hits.map((hit, index) => eachHit(hit, at, 16 * index, bits, place, when(i32.less(place.get, end.get), ...tryReadings)))),
      advance(at, 64)),
    i32.store(zero, found.get, results.found), ...text.tell,
  ];
});

const valueStarts = v128.const(Array.from({ length: 16 }, (_, lane) => lane - lane % 4));

/**
 * For each byte of the values all bytes that follow it in some lane, joined. In its own value that is the one above or,
 * swapped, below; in the next value the first, and after the lowest byte of a swapped lane also the second and third.
 */
function afterEach(value: Vector, next: Vector): Vector {
  const above = v128.or(i32x4.shiftRight(next, 8), i32x4.shiftRight(next, 16));
  return [i32x4.shiftRight(value, 8), i32x4.shiftLeft(value, 8), i8x16.swizzle(next, valueStarts), v128.and(above, words(0xff))].reduce((left, right) => v128.or(left, right));
}

/** Whether some signature may have all four bytes at their places. */
function mayBegin(word: Local<'i32'>): Code<'i32'> {
  const table = (place: number): Code<'i32'> => i32.load8(i32.and(i32.shiftRight(word.get, 8 * place), i32.const(255)), tables.bytes + 256 * place);
  return i32.and(i32.and(table(0), table(1)), i32.and(table(2), table(3)));
}

const mz = 0x5a4d;
/** The upper bytes of a PE file's pointer to its new header, which is not far: MZ alone is common in noise. */
const pointsNear = (second: Code<'i32'>, third: Code<'i32'>, fourth: Code<'i32'>): Code<'i32'> =>
  i32.and(i32.less(second, i32.const(0x11)), i32.isZero(i32.or(third, fourth)));

/** Tells the place and the reading when the word is one of the patterns. */
function compare(word: Local<'i32'>, place: Local<'i32'>, reading: Code<'i32'>, newHeaderIsNear: Code<'i32'>, found: Local<'i32'>, local: Locals): Statement {
  const pattern = local.i32();
  const slot = i32.multiply(found.get, i32.const(candidates.bytes));
  return when(mayBegin(word),
    pattern.set(i32.const(tables.patterns)),
    repeatWhile(i32.load(pattern.get),
      when(i32.equal(i32.and(word.get, i32.load(pattern.get)), i32.load(pattern.get, 4)),
        when(choose(i32.equal(i32.load(pattern.get, 4), i32.const(mz)), newHeaderIsNear, i32.const(1)),
          when(i32.less(found.get, i32.const(candidates.most)), i32.store(slot, place.get, candidates.at), i32.store(slot, reading, candidates.at + 4)),
          found.set(i32.add(found.get, i32.const(1))))),
      advance(pattern, tables.patternBytes)));
}
