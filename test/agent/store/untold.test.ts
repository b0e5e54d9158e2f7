import test from 'ava';
import { openState } from '../../../agent/store/state.ts';
import { dropsTold, noteDrops, readDrops } from '../../../agent/store/untold.ts';
import { database, value } from './drafts.ts';

test('what was dropped while no agent ran is kept, summed up by severity, until it is told', t => {
  const store = database(t);
  const state = openState(store);
  t.deepEqual([...readDrops(state)], []);
  value(noteDrops(store, state, [{ severity: 'high', count: 2, bytes: 9 }]));
  value(noteDrops(store, state, [{ severity: 'low', count: 1, bytes: 9 }, { severity: 'high', count: 3, bytes: 9 }]));
  t.deepEqual([...readDrops(state)], [['low', 1], ['high', 5]]);
  value(dropsTold(store, state));
  t.deepEqual([...readDrops(state)], []);
});

test('a note that the disk has spoilt tells nothing and breaks nothing', t => {
  const store = database(t);
  const state = openState(store);
  for (const spoilt of ['{', '[]', '{"high":-1}', '{"grave":1}', 7]) {
    value(store.transaction(() => state.saveNote('drops', spoilt)));
    t.deepEqual([...readDrops(state)], []);
  }
});
