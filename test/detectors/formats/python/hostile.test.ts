import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { pickle } from '../../../../detectors/formats/pickle/pickle.ts';
import { python } from '../../../../detectors/formats/python/python.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostileSources } from '../../../fixtures/hostile/python.ts';
import { furtherSources } from '../../../fixtures/hostile/python-further.ts';
import { testWith } from '../../../services/require.ts';
import { importEach } from './oracle.ts';

const inspect = (bytes: Uint8Array) => inspectSource('handler.py', sourceOf(bytes), [python, pickle]);

for (const { name, bytes, expect, rule } of hostileSources) {
  test(`${name} is ${expect}`, t => {
    const { verdict, observations } = inspect(bytes);
    t.is(verdict, expect, JSON.stringify(observations));
    t.true(observations.some(each => each.rule === rule), JSON.stringify(observations));
    // A finding for whoever reads it: with a place, and printable.
    for (const { summary, where, evidence } of observations) {
      t.notRegex(`${summary}${evidence ?? ''}`, /[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
      t.not(where, undefined);
    }
  });
}

test('each further finding is told, with its line', t => {
  for (const { name, bytes, rule } of furtherSources) {
    const found = inspect(bytes).observations.find(each => each.rule === rule);
    t.is(typeof found?.where?.line, 'number', name);
  }
});

testWith(['mxnet'], 'what runs when real Python imports it is never clean', async t => {
  t.timeout(300_000);
  const cases = hostileSources.filter(({ runs }) => runs);
  const answers = await importEach(cases);
  const table = new Map<string, number>();
  cases.forEach(({ name, bytes }, index) => {
    const answer = answers[index];
    const { verdict } = inspect(bytes);
    t.true(answer?.ran, `${name}: the code in it did not run (${answer?.outcome})`);
    t.true(verdict === 'malicious' || verdict === 'suspicious', name);
    const row = `code ran, ${answer?.outcome}: ${verdict}`;
    table.set(row, (table.get(row) ?? 0) + 1);
  });
  for (const [row, count] of [...table].sort()) t.log(`${String(count).padStart(4)}  ${row}`);
});
