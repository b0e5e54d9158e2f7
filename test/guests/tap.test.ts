import test from 'ava';
import { readTap } from './tap.ts';

const document = (...lines: readonly string[]): string => ['TAP version 13', ...lines, ''].join('\n');

test('passes, failures and skips are counted over several documents', t => {
  const text = `noise\n${document('ok 1 - one', 'not ok 2 - two', '  ---', '  not ok in an explanation', '  ...', 'ok 3 - three # SKIP', '1..3', '# tests 3')}${document('ok 1 - four', '1..1')}`;
  t.deepEqual(readTap(text), { passed: 2, failed: ['two'], skipped: ['three'] });
});

test('a document that ends early, or that has fewer tests than its plan, is a failure', t => {
  t.deepEqual(readTap(document('ok 1 - one')).failed, ['ended after 1 tests, without a plan']);
  t.deepEqual(readTap(document('ok 1 - one', '1..2')).failed, ['1 tests were told of 2']);
  t.deepEqual(readTap(`${document('ok 1 - one')}${document('ok 1 - two', '1..1')}`).failed, ['ended after 1 tests, without a plan']);
  t.deepEqual(readTap(document('not ok 1 - No tests found in broken.test.ts', '1..1')).failed, ['No tests found in broken.test.ts']);
});

test('a line that ends as a serial port ends it is the same line', t => {
  t.deepEqual(readTap('TAP version 13\r\nok 1 - one\r\n1..1\r\n'), { passed: 1, failed: [], skipped: [] });
});
