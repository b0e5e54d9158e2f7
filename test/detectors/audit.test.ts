import test from 'ava';
import audit from '../../detectors/audit.ts';
import { memory, trailBroken } from '../builders.ts';

test('a trail that is not as it was left is high, and says where it differs', t => {
  const see = audit.create(audit.config.parse({}), memory());
  const [finding, ...others] = see(trailBroken());
  t.deepEqual(others, []);
  t.like(finding, { rule: 'audit.broken', severity: 'high', because: ['e1'], techniques: ['T1070', 'T1565.001'] });
  t.regex(finding?.summary ?? '', /\(epoch 1, record 7: it is missing\)/);
  t.true((see(trailBroken({ reason: 'x'.repeat(5_000) }))[0]?.summary.length ?? 0) < 700);
});
