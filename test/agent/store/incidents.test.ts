import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openDatabase } from '../../../agent/store/database.ts';
import { openIncidents, viewIncidents } from '../../../agent/store/incidents.ts';
import { incident, noon } from '../../builders.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

async function store() {
  const folder = await mkdtemp(join(tmpdir(), 'incidents-'));
  const database = openDatabase(folder, log);
  const incidents = openIncidents(database);
  const view = viewIncidents(database);
  return {
    view, save: (...all: Parameters<typeof incidents.save>[0][number][]) => database.transaction(() => incidents.save(all)),
    async [Symbol.asyncDispose]() { database[Symbol.dispose](); await rm(folder, { recursive: true, force: true }); },
  };
}
const ids = (found: readonly { readonly id: string; readonly revision: number }[]) => found.map(({ id, revision }) => `${id}.${revision}`);

test('the newest revision of each incident is kept, and listed by the time of its last change', async t => {
  await using kept = await store();
  kept.save(incident({ id: 'a', revision: 1, changedAt: noon }), incident({ id: 'b', revision: 1, changedAt: noon + 1 }));
  kept.save(incident({ id: 'a', revision: 2, changedAt: noon + 2.5, status: 'closed' }));
  t.deepEqual(ids(kept.view.list({ limit: 10 })), ['b.1', 'a.2']);
  t.deepEqual(ids(kept.view.list({ limit: 1 })), ['a.2']);
  t.deepEqual(ids(kept.view.list({ limit: 10, since: noon + 2 })), ['a.2']);
  t.deepEqual(ids(kept.view.list({ limit: 10, open: true })), ['b.1']);
});

test('incidents are chosen by severity and by the beginning of their id, taken literally', async t => {
  await using kept = await store();
  kept.save(incident({ id: 'i-1', severity: 'low' }), incident({ id: 'i-2', severity: 'critical' }), incident({ id: 'x%' }));
  t.deepEqual(ids(kept.view.list({ limit: 10, severity: 'medium' })), ['i-2.1', 'x%.1']);
  t.deepEqual(ids(kept.view.find('i-')), ['i-1.1', 'i-2.1']);
  t.deepEqual(ids(kept.view.find('%')), []);
  t.deepEqual(ids(kept.view.find("' OR 1=1 --")), []);
});

test('the oldest go first once there are more than ten thousand', async t => {
  await using kept = await store();
  const small = incident({ story: [] });
  kept.save(...Array.from({ length: 10_050 }, (_, index) => ({ ...small, id: `i${index}`, changedAt: noon + index })));
  t.is(kept.view.list({ limit: 20_000 }).length, 10_000);
  t.is(kept.view.list({ limit: 20_000 })[0]?.id, 'i50');
});
