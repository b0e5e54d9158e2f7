import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { pickle } from '../../../../detectors/formats/pickle/pickle.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostilePickles } from '../../../fixtures/hostile/pickle.ts';
import { testWith } from '../../../services/require.ts';
import { unpickle } from './oracle.ts';

const inspect = (bytes: Uint8Array) => inspectSource('net-0001.states', sourceOf(bytes), [pickle]);

for (const { name, bytes, expect } of hostilePickles) {
  test(`${name} is ${expect}`, t => {
    const { verdict, observations } = inspect(bytes);
    t.is(verdict, expect, JSON.stringify(observations));
    // A finding for whoever reads it: with a place, and printable.
    for (const { summary, where } of observations) {
      t.notRegex(summary, /[\0-\x1f\x7f-\x9f\u202a-\u202e]/);
      t.not(where, undefined);
    }
  });
}

testWith(['mxnet'], 'what runs code, crashes, exhausts memory or is refused in the real unpickler is never clean', async t => {
  const answers = await unpickle(hostilePickles);
  const table = new Map<string, number>();
  hostilePickles.forEach(({ name, bytes, runs }, index) => {
    const answer = answers[index];
    const { verdict } = inspect(bytes);
    t.is(answer?.ran, runs, `${name}: whether the code in it ran`);
    t.not(verdict, 'clean', name);
    if (answer?.ran) t.is(verdict, 'malicious', name);
    const row = `${answer?.ran ? 'code ran, ' : ''}${answer?.outcome}: ${verdict}`;
    table.set(row, (table.get(row) ?? 0) + 1);
    t.log(`${answer?.ran ? 'RAN' : '   '} ${answer?.outcome.padEnd(7)} ${verdict.padEnd(10)} ${name}`);
  });
  for (const [row, count] of [...table].sort()) t.log(`${String(count).padStart(4)}  ${row}`);
});
