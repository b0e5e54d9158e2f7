import fc from 'fast-check';
import test from 'ava';
import { memory } from '../../builders.ts';
import { keyOf, learn } from '../../../detectors/context/keys.ts';
import { bytes, clip, duration, folderOf, isBelow, quote } from '../../../detectors/context/wording.ts';

test('a clipped text keeps its end and never exceeds its limit', t => {
  t.is(clip('abc', 3), 'abc');
  t.is(clip('/very/long/folder/name/model.params', 20).length, 20);
  t.true(clip('/very/long/folder/name/model.params', 20).endsWith('del.params'));
  fc.assert(fc.property(fc.string(), fc.integer({ min: 4, max: 40 }), (text, limit) => clip(text, limit).length <= Math.max(limit, 0)));
});

test('no text ends its own quotation', t => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('"', 'a', ' ') }), text => /^"(?:[^"\\]|\\")*"$/.test(quote(text))));
  t.is(quote('a"b'), '"a\\"b"');
});

test('times and sizes as people say them', t => {
  t.deepEqual([400, 12_000, 180_000, 7_300_000].map(duration), ['0.4 s', '12 s', '3 min', '2 h']);
  t.deepEqual([0, 1_023, 1_536, 300 * 2 ** 20, 2 ** 41].map(bytes), ['0 B', '1023 B', '1.5 KiB', '300 MiB', '2.0 TiB']);
});

test('folders', t => {
  t.is(folderOf('/a/b'), '/a');
  t.is(folderOf('/a'), '/');
  t.true(isBelow('/a/b/c', '/a'));
  t.false(isBelow('/ab/c', '/a'));
});

test('a key is short, and two lists of parts never share one', t => {
  t.true(keyOf('path', 'x'.repeat(10_000)).length <= 512);
  t.not(keyOf('path', `${'x'.repeat(10_000)}a`), keyOf('path', `${'x'.repeat(10_000)}b`));
  t.not(keyOf('a', 'b c'), keyOf('a b', 'c'));
});

test('what is still in use is written again after an hour, so that it is not forgotten', t => {
  const kept = memory();
  t.deepEqual([0, 1_000, 3_600_001].map(at => learn(kept, 'a', at)), [false, true, true]);
  t.is(kept.get('a'), 3_600_001);
  learn(kept, 'a', 3_700_000);
  t.is(kept.get('a'), 3_600_001);
});
