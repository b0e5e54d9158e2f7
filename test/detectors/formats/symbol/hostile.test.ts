import test from 'ava';
import { hostileSymbols, plain } from '../../../fixtures/hostile/symbol.ts';
import { above, inspect, rules } from './workshop.ts';

for (const { name, bytes, expect, rule } of hostileSymbols()) {
  test(`${name} is ${expect}`, t => {
    const found = inspect(bytes);
    t.is(found.verdict, expect, above(found).join('\n'));
    t.true(rules(found).includes(rule), above(found).join('\n'));
  });
}

test('the honest graph beside them is clean', t => {
  t.deepEqual(above(inspect(Buffer.from(JSON.stringify(plain)))), []);
});
