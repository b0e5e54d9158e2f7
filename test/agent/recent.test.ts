import test from 'ava';
import { createRecent } from '../../agent/recent.ts';
import { finding, mxnetCalled, pathArgument, processExecuted } from '../builders.ts';

test('a finding keeps whose deed it is about, and the level at which that was seen', t => {
  const recent = createRecent(10);
  const event = processExecuted();
  recent.note(event, [finding({ at: 5 })], 'tracefs');
  const [told] = recent.since(5);
  t.is(told?.level, 'tracefs');
  t.is(told?.collector, event.collector);
  t.deepEqual(told?.processes.map(({ pid }) => pid), [event.process.pid, ...event.process.ancestors.map(({ pid }) => pid), event.tree.pid]);
  t.deepEqual(recent.since(6), []);
});

test('a file is named where there is one, as it was called where it could not be found', t => {
  const recent = createRecent(10);
  recent.note(mxnetCalled({ argument: pathArgument({ raw: '/gone/x.params', place: null, file: null }) }), [finding({ at: 1 })], null);
  t.is(recent.since(0)[0]?.path, '/gone/x.params');
});

test('only the last ones are kept', t => {
  const recent = createRecent(3);
  for (let at = 1; at <= 5; at++) recent.note(processExecuted(), [finding({ at })], null);
  t.deepEqual(recent.since(0).map(({ at }) => at), [3, 4, 5]);
});
