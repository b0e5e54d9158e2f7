import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import test from 'ava';
import { inflate } from '../../../../detectors/formats/archive/inflate.ts';
import { BudgetError } from '../../../../detectors/formats/report.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import type { Source } from '../../../../detectors/formats/source.ts';

const counted = (mostUnpacked = Number.POSITIVE_INFINITY) => {
  const told = { spent: 0, unpacked: 0 };
  return {
    told,
    spend(units: number) { told.spent += units; },
    unpack(bytes: number) { told.unpacked += bytes; if (told.unpacked > mostUnpacked) throw new BudgetError('too much'); },
  };
};

/** Gives views of one buffer that the next read overwrites, as the contract of a source allows. */
function treacherous(bytes: Uint8Array): Source {
  const shared = new Uint8Array(bytes.length);
  return { size: bytes.length, read(offset, length) { shared.fill(0xaa); const part = bytes.subarray(offset, offset + length); shared.set(part); return shared.subarray(0, part.length); } };
}

/** Pseudo-random bytes that pack a little. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0, state = 1; at < length; at++) { state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0; bytes[at] = state >>> 28; }
  return bytes;
}

test('a stream is unpacked, summed and measured to its last byte', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 3_000 }), fc.integer({ min: 0, max: 9 }), fc.uint8Array({ maxLength: 20 }), fc.nat(9), (plain, level, behind, start) => {
    const packed = deflateRawSync(plain, { level });
    const budget = counted();
    const { size, crc32: sum, consumed, source } = inflate(treacherous(Buffer.concat([Buffer.alloc(start, 7), packed, behind])), start, budget);
    t.deepEqual({ size, sum, consumed }, { size: plain.length, sum: crc32(plain), consumed: packed.length });
    t.deepEqual(Buffer.from(source.read(0, plain.length + 9)), Buffer.from(plain));
    t.is(budget.told.unpacked, plain.length);
  }), { numRuns: 300 });
});

test('every cut of a stream is refused', t => {
  const packed = deflateRawSync(noise(500));
  for (let length = 0; length < packed.length; length++) t.throws(() => inflate(sourceOf(packed.subarray(0, length)), 0, counted()), { instanceOf: RangeError, message: /cut/ });
});

test('no flip of a bit ends in anything but bytes or a RangeError', t => {
  const packed = deflateRawSync(noise(300));
  for (let bit = 0; bit < packed.length * 8; bit++) {
    const broken = Uint8Array.from(packed);
    broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try { t.true(inflate(sourceOf(broken), 0, counted(), 100_000).consumed <= packed.length); } catch (error) { t.true(error instanceof RangeError, String(error)); }
  }
});

test('more bytes than allowed are refused before they are made', t => {
  const packed = deflateRawSync(new Uint8Array(50_000_000));
  const budget = counted();
  t.throws(() => inflate(sourceOf(packed), 0, budget, 1_000), { instanceOf: RangeError, message: /1000 bytes/ });
  t.true(budget.told.unpacked < 2_000_000);
  t.throws(() => inflate(sourceOf(packed), 0, counted(10_000_000)), { instanceOf: BudgetError });
});

test('blocks without content cost budget, too', t => {
  const empty = Buffer.from([0, 0, 0, 0xff, 0xff]);
  const budget = counted();
  t.throws(() => inflate(sourceOf(Buffer.concat(new Array<Buffer>(100_000).fill(empty))), 0, budget), { instanceOf: RangeError });
  t.true(budget.told.spent > 1_000);
});

test('a large stream is read through a window, in any order', t => {
  const plain = noise(40_000_000);
  const packed = deflateRawSync(plain, { level: 1 });
  const budget = counted();
  const below = treacherous(packed);
  const { source, size } = inflate(below, 0, budget);
  t.is(size, plain.length);
  const places = [[0, 4_096], [plain.length - 65_557, 65_557], [0, 100_000], [30_000_000, 5], [29_500_000, 700_000], [10_000_000, 16_777_216], [10_000_001, 20_000_000], [39_999_999, 5], [5, 0], [plain.length + 3, 5], [26_000_000, 1_000_000]] as const;
  for (const [offset, length] of places) {
    // Somebody else reads from the same file in between.
    below.read(0, 9);
    const expected = plain.subarray(offset, Math.min(offset + Math.min(length, 16_777_216), plain.length));
    t.true(Buffer.from(source.read(offset, length)).equals(expected), `${offset} ${length}`);
  }
  t.is(budget.told.unpacked, plain.length);
});

test('reading back and forth in a large stream is charged each time', t => {
  const packed = deflateRawSync(new Uint8Array(20_000_000));
  const budget = counted();
  const { source } = inflate(sourceOf(packed), 0, budget);
  source.read(19_000_000, 10);
  const once = budget.told.spent;
  source.read(1_000_000, 10);
  source.read(19_000_000, 10);
  t.true(budget.told.spent > once * 1.4);
  t.is(budget.told.unpacked, 20_000_000);
});
