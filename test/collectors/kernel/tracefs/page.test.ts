import test from 'ava';
import fc from 'fast-check';
import { decodePage } from '../../../../collectors/kernel/tracefs/page.ts';

type Piece = { readonly words: readonly number[] };
const data = (delta: number, payload: readonly number[]): Piece => ({ words: [((delta << 5) | payload.length) >>> 0, ...payload] });
const long = (delta: number, payload: readonly number[]): Piece => ({ words: [(delta << 5) >>> 0, payload.length * 4 + 4, ...payload] });
const skip = (length: number): Piece => ({ words: [((1 << 5) | 29) >>> 0, length * 4 + 4, ...Array.from({ length }, () => 0xdead)] });
const extend = (delta: number, high: number): Piece => ({ words: [((delta << 5) | 30) >>> 0, high] });
const absolute = (delta: number, high: number): Piece => ({ words: [((delta << 5) | 31) >>> 0, high] });

function page(stamp: bigint, pieces: readonly Piece[], flags = 0, after?: bigint): Buffer {
  const words = pieces.flatMap(piece => piece.words);
  const bytes = Buffer.alloc(4_096);
  bytes.writeBigUInt64LE(stamp, 0);
  bytes.writeUInt32LE(((words.length * 4) | flags) >>> 0, 8);
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 16 + index * 4);
  if (after !== undefined) bytes.writeBigUInt64LE(after, 16 + words.length * 4);
  return bytes;
}
const shown = (bytes: Buffer): (readonly [number, number])[] => decodePage(bytes).entries.map(({ at, data: each }) => [at, each.readUInt32LE(0)] as const);

test('every kind of entry is read with its time', t => {
  const bytes = page(1_000n, [data(5, [7]), long(10, [8, 9]), skip(3), extend(1, 2), data(0, [10]), absolute(3, 1), data(1, [11])]);
  const afterExtend = 1_000 + 5 + 10 + 1 + 1 + 2 * 2 ** 27;
  t.deepEqual(shown(bytes), [[1_005, 7], [1_015, 8], [afterExtend, 10], [2 ** 27 + 3 + 1, 11]]);
  t.is(decodePage(bytes).unreadBytes, 0);
});

test('padding without a time ends the page', t => {
  t.deepEqual(shown(page(0n, [data(1, [1]), { words: [29, 99, 99] }])), [[1, 1]]);
});

test('missed events are told: how many, or that there were some', t => {
  t.is(decodePage(page(0n, [data(1, [1])])).missed, 0);
  t.is(decodePage(page(0n, [data(1, [1])], 0x8000_0000)).missed, null);
  t.is(decodePage(page(0n, [data(1, [1])], 0xc000_0000, 42n)).missed, 42);
});

test('a length that makes no sense ends the reading and is told', t => {
  const { entries, unreadBytes } = decodePage(page(0n, [data(1, [1]), { words: [0, 3, 1, 1] }]));
  t.is(entries.length, 1);
  t.is(unreadBytes, 16);
});

test('whatever was written is read back', t => {
  const word = fc.integer({ min: 0, max: 0xffff_ffff });
  const piece = fc.oneof(
    fc.tuple(fc.nat(1_000), fc.array(word, { minLength: 1, maxLength: 28 })).map(([delta, payload]) => ({ piece: data(delta, payload), delta, payload })),
    fc.tuple(fc.nat(1_000), fc.array(word, { minLength: 29, maxLength: 60 })).map(([delta, payload]) => ({ piece: long(delta, payload), delta, payload })),
    fc.tuple(fc.nat(1_000), fc.nat(50)).map(([delta, high]) => ({ piece: extend(delta, high), delta: delta + high * 2 ** 27, payload: null })),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 16 }), list => {
    let now = 77;
    const expected: [number, number[]][] = [];
    for (const { delta, payload } of list) { now += delta; if (payload !== null) expected.push([now, payload]); }
    const read = decodePage(page(77n, list.map(each => each.piece)));
    t.deepEqual(read.entries.map(({ at, data: bytes }) => [at, Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32LE(index * 4))]), expected);
    t.is(read.unreadBytes, 0);
  }), { numRuns: 200 });
});

test('any bytes at all are read without failing, and never beyond themselves', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
    const { entries, unreadBytes } = decodePage(Buffer.from(bytes));
    return unreadBytes >= 0 && entries.reduce((sum, each) => sum + each.data.length, 0) <= bytes.length;
  }), { numRuns: 2_000 });
  t.pass();
});
