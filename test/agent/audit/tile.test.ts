import test from 'ava';
import fc from 'fast-check';
import { decodeBundle, encodeBundle, tilePath } from '../../../agent/audit/tile.ts';

test('tiles and bundles are named as the specification names them', t => {
  t.is(tilePath(0, 1_234_067), 'tile/0/x001/x234/067');
  t.is(tilePath(0, 0), 'tile/0/000');
  t.is(tilePath(1, 999), 'tile/1/999');
  t.is(tilePath(1, 1_000), 'tile/1/x001/000');
  t.is(tilePath(0, 273, 112), 'tile/0/273.p/112');
  t.is(tilePath('entries', 1_234_067, 8), 'tile/entries/x001/x234/067.p/8');
});

test('a bundle is entries behind their lengths, two bytes, the high one first', t => {
  t.is(encodeBundle([Buffer.from('ab'), Buffer.alloc(0), Buffer.alloc(258, 'c')]).toString('latin1'), `\0\x02ab\0\0\x01\x02${'c'.repeat(258)}`);
  t.throws(() => encodeBundle([Buffer.alloc(65_536)]), { instanceOf: RangeError });
  t.throws(() => encodeBundle(Array.from({ length: 257 }, () => Buffer.alloc(1))), { instanceOf: RangeError });
});

test('what went into a bundle comes out of it, and any other bytes are refused', t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), fc.uint8Array({ maxLength: 60 }), (entries, noise) => {
    const bundle = encodeBundle(entries.map(entry => Buffer.from(entry)));
    t.deepEqual(decodeBundle(bundle, entries.length).map(entry => [...entry]), entries.map(entry => [...entry]));
    t.throws(() => decodeBundle(bundle, entries.length + 1), { instanceOf: RangeError });
    t.throws(() => decodeBundle(Buffer.concat([bundle, Buffer.of(0)]), entries.length), { instanceOf: RangeError });
    try { decodeBundle(Buffer.from(noise), 3); } catch (error) { if (!(error instanceof RangeError)) throw error; }
  }), { numRuns: 200 });
});
