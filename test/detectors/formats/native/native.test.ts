import test from 'ava';
import { natives } from '../../../fixtures/hostile/native.ts';
import { inspectBytes } from '../../inspect-bytes.ts';

for (const { kind, bytes } of natives) {
  test(`${kind} is told and never clean, and is grave under the name of a model file`, t => {
    const seen = inspectBytes('helper.bin', bytes);
    t.deepEqual([seen.format, seen.inventory['kind'], seen.coverage.parsed], ['native', kind, 0]);
    t.deepEqual(seen.coverage.skipped.map(({ length }) => length), [bytes.length]);
    t.is(seen.verdict, 'suspicious');
    t.true(seen.observations.some(({ rule, severity }) => rule === 'native.unread' && severity === 'low'));
    for (const name of ['net-0000.params', 'net-symbol.json', 'net.states']) {
      const { verdict, observations } = inspectBytes(name, bytes);
      t.is(verdict, kind === 'java-class' ? 'suspicious' : 'malicious', name);
      t.true(observations.some(({ rule, severity }) => rule === 'kind.executable-content' && severity === (kind === 'java-class' ? 'high' : 'critical')), name);
    }
  });
}

test('a text that begins as a program of Windows does is none', t => {
  t.not(inspectBytes('notes.txt', Buffer.from('MZ is where programs of Windows begin, and this is none of them, whatever its first bytes say.')).format, 'native');
});
