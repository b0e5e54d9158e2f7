import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { pickle } from '../../../../detectors/formats/pickle/pickle.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostilePickles } from '../../../fixtures/hostile/pickle.ts';

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
