import test from 'ava';
import { tracefsAnswers } from '../../../../collectors/kernel/tracefs/answer.ts';

test('a refusal is an answer', async t => {
  t.true(await tracefsAnswers('/nonexistent'));
});

test('what says nothing in time does not answer, and is not asked again', async t => {
  t.false(await tracefsAnswers('/proc/self', 0));
  t.false(await tracefsAnswers('/proc/self', 10_000));
});
