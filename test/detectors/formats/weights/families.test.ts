import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { families, floats } from './families.ts';
import { observe } from './inspect-values.ts';

for (const name of ['counting', 'even steps', 'positions as sines', 'identifiers', 'repeated rows']) {
  test(`many values of the family ${name}: no finding`, async t => {
    t.timeout(60_000);
    await setImmediate();
    const family = families[name];
    for (const seed of [0, 5]) t.deepEqual(family && observe(floats(400_000, family(seed)), 'float32'), []);
  });
}

for (const [name, family] of Object.entries(families)) {
  test(`${name}: no finding`, async t => {
    t.timeout(60_000);
    await setImmediate();
    for (let seed = 0; seed < 6; seed++) t.deepEqual(observe(floats(33_000, family(seed)), 'float32'), [], `seed ${seed}`);
  });
}
