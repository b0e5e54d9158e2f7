import test from 'ava';
import type { Severity } from '../../../agent/contract/finding.ts';
import { openReadOnly } from '../../../agent/store/database.ts';
import { type Outbox, openOutbox } from '../../../agent/store/outbox.ts';
import { viewOutbox } from '../../../agent/store/outbox-view.ts';
import { database, draft, drafts, value } from './drafts.ts';

const all = (outbox: Outbox, sink: string) => outbox.next(sink, 10_000, 1e9);
const ids = (outbox: Outbox, sink: string) => all(outbox, sink).map(({ id }) => id);
const pending = (outbox: Outbox) => Object.fromEntries(outbox.depth().map(each => [each.sink, each.pending]));
const weight = (id: string, severity?: Severity) => Buffer.byteLength(JSON.stringify(draft(id, severity)));

test('an envelope gets the next number and comes out as it went in', t => {
  const outbox = openOutbox(database(t), ['file']);
  t.deepEqual(value(outbox.append([draft('a'), draft('b')])), { added: 2, dropped: [] });
  t.deepEqual(all(outbox, 'file'), [{ ...draft('a'), sequence: 1 }, { ...draft('b'), sequence: 2 }]);
});

test('an id that is still here is not taken twice, and costs no number', t => {
  const outbox = openOutbox(database(t), ['file']);
  value(outbox.append([draft('a'), draft('a', 'critical')]));
  t.is(value(outbox.append([draft('a'), draft('b')])).added, 1);
  t.deepEqual(all(outbox, 'file').map(({ id, sequence, type, body }) => [id, sequence, type === 'incident' && body.severity]), [['a', 1, 'medium'], ['b', 2, 'medium']]);
});

test('numbers go on after everything was delivered and the agent started again', t => {
  const state = database(t);
  const before = openOutbox(state, ['file']);
  value(before.append(drafts(0, 5)));
  value(before.confirm('file', 5));
  t.is(value(before.prune()), 5);
  const after = openOutbox(state, ['file']);
  value(after.append([draft('next')]));
  t.deepEqual(all(after, 'file').map(({ sequence }) => sequence), [6]);
});

test('a batch keeps to its limits, but one envelope always goes', t => {
  const outbox = openOutbox(database(t), ['file']);
  value(outbox.append([draft('big', 'low', 50_000), ...drafts(0, 9)]));
  t.is(outbox.next('file', 3, 1e9).length, 3);
  t.deepEqual(outbox.next('file', 3, 1_000).map(({ id }) => id), ['big']);
  value(outbox.confirm('file', 1));
  t.is(outbox.next('file', 500, 4 * weight('e0')).length, 4);
});

test('each sink has its own cursor, and rows go when all have passed', t => {
  const outbox = openOutbox(database(t), ['file', 'kafka']);
  value(outbox.append(drafts(0, 4)));
  value(outbox.confirm('file', 3));
  t.deepEqual(pending(outbox), { file: 1, kafka: 4 });
  t.is(value(outbox.prune()), 0);
  value(outbox.confirm('kafka', 2));
  t.is(value(outbox.prune()), 2);
  t.deepEqual(ids(outbox, 'file'), ['e3']);
  t.deepEqual(ids(outbox, 'kafka'), ['e2', 'e3']);
});

test('a cursor never goes back, and never beyond what there is', t => {
  const outbox = openOutbox(database(t), ['file']);
  value(outbox.append(drafts(0, 3)));
  value(outbox.confirm('file', 1_000_000));
  value(outbox.confirm('file', 1));
  value(outbox.append([draft('late')]));
  t.deepEqual(ids(outbox, 'file'), ['late']);
});

test('a sink added later begins with what is still there', t => {
  const state = database(t);
  const before = openOutbox(state, ['file', 'kafka']);
  value(before.append(drafts(0, 4)));
  value(before.confirm('file', 4));
  value(before.confirm('kafka', 1));
  value(before.prune());
  const after = openOutbox(state, ['file', 'kafka', 'otlp']);
  t.deepEqual(pending(after), { file: 0, kafka: 3, otlp: 3 });
  t.deepEqual(ids(after, 'otlp'), ['e1', 'e2', 'e3']);
});

test('a sink taken out of the configuration holds nothing back, and goes on where it was should it return', t => {
  const state = database(t);
  const before = openOutbox(state, ['file', 'kafka']);
  value(before.append(drafts(0, 4)));
  value(before.confirm('file', 3));
  value(before.confirm('kafka', 1));
  const without = openOutbox(state, ['file']);
  t.is(value(without.prune()), 3);
  t.deepEqual(without.depth().map(({ sink }) => sink), ['file']);
  value(without.append([draft('new')]));
  const again = openOutbox(state, ['file', 'kafka']);
  t.deepEqual(pending(again), { file: 2, kafka: 2 });
  t.deepEqual(ids(again, 'kafka'), ['e3', 'new']);
});

test('dead letters do not block, are listed with time and reason, and outlive pruning', t => {
  const outbox = openOutbox(database(t), ['file', 'kafka']);
  value(outbox.append(drafts(0, 3)));
  t.is(value(outbox.bury('kafka', ['e1', 'unknown'], 'too large\u001b[2J')), 1);
  t.is(value(outbox.bury('kafka', ['e1'], 'again')), 0);
  t.deepEqual(ids(outbox, 'kafka'), ['e0', 'e2']);
  t.deepEqual(ids(outbox, 'file'), ['e0', 'e1', 'e2']);
  value(outbox.confirm('kafka', 3));
  value(outbox.confirm('file', 3));
  t.is(value(outbox.prune()), 2);
  t.like(outbox.depth()[1], { sink: 'kafka', pending: 0, bytes: 0, dead: 1 });
  const [dead, ...others] = outbox.list();
  t.like(dead, { sink: 'kafka', state: 'dead', id: 'e1', sequence: 2, severity: 'medium', buried: { reason: 'too large\\x1b[2J' } });
  t.true((dead?.buried?.at ?? 0) > 1_700_000_000_000);
  t.deepEqual(others, []);
});

test('depth tells how much, since when, and how the last tries went', t => {
  const outbox = openOutbox(database(t), ['file', 'kafka']);
  const from = Date.now();
  value(outbox.append([draft('a'), draft('b')]));
  value(outbox.confirm('file', 2));
  value(outbox.complain('kafka', 'connection refused'));
  const [file, kafka] = outbox.depth();
  t.like(file, { sink: 'file', pending: 0, bytes: 0, oldestAt: null, dead: 0, lastError: null });
  t.true((file?.lastSuccessAt ?? 0) >= from);
  t.like(kafka, { sink: 'kafka', pending: 2, bytes: weight('a') + weight('b'), lastSuccessAt: null, lastError: { reason: 'connection refused' } });
  t.true((kafka?.oldestAt ?? 0) >= from);
});

test('the list is filtered by sink, state, severity, age and length', t => {
  const outbox = openOutbox(database(t), ['file', 'kafka']);
  value(outbox.append([draft('a', 'info'), draft('b', 'critical'), draft('c', 'high')]));
  value(outbox.bury('kafka', ['a'], 'no'));
  t.is(outbox.list().length, 6);
  t.deepEqual(outbox.list({ sink: 'kafka', state: 'pending' }).map(({ id }) => id), ['b', 'c']);
  t.deepEqual(outbox.list({ state: 'dead' }).map(({ id, sink }) => [id, sink]), [['a', 'kafka']]);
  t.deepEqual(outbox.list({ sink: 'file', severity: 'high' }).map(({ id }) => id), ['b', 'c']);
  t.is(outbox.list({ before: 1 }).length, 0);
  t.like(outbox.list({ limit: 1 }), { length: 1, 0: { id: 'a', title: 'a model started a shell ' } });
});

test('another process sees depth and list while the agent has the outbox', t => {
  const state = database(t);
  const outbox = openOutbox(state, ['file']);
  value(outbox.append(drafts(0, 2)));
  using reader = openReadOnly(state.directory);
  const view = viewOutbox(reader);
  t.deepEqual(view.list(), outbox.list());
  t.deepEqual(view.depth(), outbox.depth());
  value(outbox.append([draft('more')]));
  t.is(view.depth()[0]?.pending, 3);
});

test('a full outbox drops the oldest of the lowest severity and says how many', t => {
  const room = weight('e00', 'medium') * 12.2;
  const outbox = openOutbox(database(t), ['file', 'kafka'], { maxBytes: room });
  const many = (prefix: string, severity: Severity, count: number) => Array.from({ length: count }, (_, n) => draft(`${prefix}${n}`, severity));
  t.deepEqual(value(outbox.append([...many('c', 'critical', 3), ...many('i', 'info', 3), ...many('l', 'low', 4)])).dropped, []);
  value(outbox.confirm('kafka', 2));
  const { added, dropped } = value(outbox.append(many('h', 'high', 6)));
  t.is(added, 6);
  t.deepEqual(dropped.map(({ severity, count }) => [severity, count]), [['info', 3], ['low', 1]]);
  t.deepEqual(ids(outbox, 'file'), ['c0', 'c1', 'c2', 'l1', 'l2', 'l3', 'h0', 'h1', 'h2', 'h3', 'h4', 'h5']);
  t.deepEqual(pending(outbox), { file: 12, kafka: 10 });
});

test('critical ones go last of all, the oldest first', t => {
  const outbox = openOutbox(database(t), ['file'], { maxBytes: weight('c0', 'critical') * 11.2 });
  value(outbox.append(Array.from({ length: 10 }, (_, n) => draft(`c${n}`, 'critical'))));
  t.deepEqual(value(outbox.append([draft('m0'), draft('m1')])).dropped.map(({ severity, count }) => [severity, count]), [['medium', 1]]);
  const { dropped } = value(outbox.append([draft('d0', 'critical'), draft('d1', 'critical')]));
  t.deepEqual(dropped.map(({ severity, count }) => [severity, count]), [['medium', 1], ['critical', 1]]);
  t.deepEqual(ids(outbox, 'file').slice(0, 2), ['c1', 'c2']);
});

test('what was delivered makes room without being called lost', t => {
  const outbox = openOutbox(database(t), ['file'], { maxBytes: weight('e0') * 11 });
  value(outbox.append(drafts(0, 10)));
  value(outbox.confirm('file', 10));
  t.deepEqual(value(outbox.append(drafts(20, 10))), { added: 10, dropped: [] });
});

test('the file shrinks again after a backlog was delivered', t => {
  const state = database(t);
  const outbox = openOutbox(state, ['file']);
  const pages = () => Number(state.prepare('PRAGMA page_count').get()?.page_count);
  value(outbox.append(Array.from({ length: 150 }, (_, n) => draft(`e${n}`, 'low', 50_000))));
  const full = pages();
  value(outbox.confirm('file', 150));
  for (let n = 0; n < 5; n += 1) value(outbox.prune());
  t.true(pages() < full - 500, `${full} pages before, ${pages()} after`);
});

test('one huge envelope pushes out nothing: it is told as dropped itself', t => {
  const outbox = openOutbox(database(t), ['file'], { maxBytes: 20_000 });
  value(outbox.append([draft('a', 'low')]));
  const { added, dropped } = value(outbox.append([draft('huge', 'critical', 5_000), draft('b', 'low')]));
  t.is(added, 1);
  t.like(dropped, { length: 1, 0: { severity: 'critical', count: 1 } });
  t.deepEqual(ids(outbox, 'file'), ['a', 'b']);
});

test('what is too old goes at the next append, and is told', t => {
  const state = database(t);
  const outbox = openOutbox(state, ['file'], { maxAgeMs: 86_400_000 });
  value(outbox.append([draft('a', 'critical'), draft('b', 'low'), draft('c', 'low')]));
  value(outbox.confirm('file', 1));
  state.prepare('UPDATE outbox SET at = at - 90000000 WHERE sequence < 3').run();
  t.deepEqual(value(outbox.append([draft('d')])).dropped.map(({ severity, count }) => [severity, count]), [['low', 1]]);
  t.deepEqual(ids(outbox, 'file'), ['c', 'd']);
  t.deepEqual(pending(outbox), { file: 2 });
});

test('a row the disk has spoilt is buried and holds up nobody', t => {
  const state = database(t);
  const outbox = openOutbox(state, ['file']);
  value(outbox.append(drafts(0, 3)));
  state.prepare(`UPDATE outbox SET draft = '{"id":' WHERE sequence = 1`).run();
  state.prepare(`UPDATE outbox SET draft = '{"id":"e0"}' WHERE sequence = 2`).run();
  t.deepEqual(outbox.next('file', 1, 1e9).map(({ id }) => id), ['e2']);
  t.deepEqual(outbox.list({ state: 'dead' }).map(({ id, title, buried }) => [id, title, buried?.reason]), [
    ['e0', null, 'unreadable in the outbox'], ['e1', null, 'unreadable in the outbox'],
  ]);
});

test('an append inside a transaction stands or falls with it', t => {
  const state = database(t);
  const outbox = openOutbox(state, ['file']);
  t.throws(() => state.transaction(() => { outbox.append([draft('a')]); throw new RangeError('no'); }), { instanceOf: RangeError });
  t.deepEqual([ids(outbox, 'file'), pending(outbox)], [[], { file: 0 }]);
  value(state.transaction(() => outbox.append([draft('b')])));
  t.deepEqual(all(outbox, 'file').map(({ id, sequence }) => [id, sequence]), [['b', 1]]);
});

test('with no sink at all nothing is kept back', t => {
  const outbox = openOutbox(database(t), []);
  value(outbox.append(drafts(0, 2)));
  t.is(value(outbox.prune()), 2);
});

test('a sink nobody named is a mistake, not an empty queue', t => {
  const outbox = openOutbox(database(t), ['file']);
  t.throws(() => outbox.next('fiel', 1, 1), { instanceOf: RangeError });
  t.throws(() => outbox.confirm('fiel', 1), { instanceOf: RangeError });
  t.throws(() => openOutbox(database(t), ['a', 'a']), { instanceOf: RangeError });
});

test('a dead letter that is sent again goes first, once, and can be buried again', t => {
  const outbox = openOutbox(database(t), ['file', 'kafka']);
  value(outbox.append(drafts(0, 4)));
  value(outbox.bury('kafka', ['e1', 'e2'], 'too large'));
  value(outbox.confirm('kafka', 3));
  t.is(value(outbox.retry({ sink: 'kafka', ids: ['e1', 'e2'] })), 2);
  t.deepEqual(ids(outbox, 'kafka'), ['e1', 'e2']);
  t.deepEqual(pending(outbox), { file: 4, kafka: 3 });
  t.is(outbox.list({ sink: 'kafka', state: 'pending' }).length, 3);
  t.is(value(outbox.bury('kafka', ['e1'], 'still too large')), 1);
  value(outbox.confirm('kafka', 3));
  t.deepEqual(ids(outbox, 'kafka'), ['e3']);
  t.like(outbox.depth()[1], { pending: 1, dead: 1 });
  value(outbox.confirm('file', 4));
  t.is(value(outbox.prune()), 2, 'what was sent again holds its row no longer');
});

test('a look ahead begins behind what is under way, and finds nothing while something is to be sent again', t => {
  const outbox = openOutbox(database(t), ['file']);
  value(outbox.append(drafts(0, 5)));
  const ahead = () => outbox.next('file', 2, 1e9, 3).map(({ id }) => id);
  t.deepEqual(ahead(), ['e3', 'e4']);
  value(outbox.bury('file', ['e0', 'e1'], 'no'));
  value(outbox.confirm('file', 2));
  t.deepEqual(ahead(), ['e3', 'e4']);
  value(outbox.retry({}));
  t.deepEqual(ahead(), []);
  value(outbox.confirm('file', 3, [3]));
  t.deepEqual(ids(outbox, 'file'), ['e0', 'e1'], 'these were not under way');
  value(outbox.confirm('file', 2, [2]));
  t.deepEqual(ids(outbox, 'file'), ['e0']);
  t.deepEqual(pending(outbox), { file: 3 });
});

test('what waits again survives a restart and keeps its row, and counts as before', t => {
  const state = database(t);
  const before = openOutbox(state, ['file']);
  value(before.append(drafts(0, 2)));
  value(before.bury('file', ['e0'], 'no'));
  value(before.confirm('file', 2));
  value(before.retry({}));
  t.is(value(before.prune()), 1);
  const after = openOutbox(state, ['file']);
  t.deepEqual(pending(after), { file: 1 });
  t.deepEqual(ids(after, 'file'), ['e0']);
  t.true((after.depth()[0]?.oldestAt ?? 0) > 0);
});

test('a dead letter ahead of the cursor that is sent again waits in its place', t => {
  const outbox = openOutbox(database(t), ['file']);
  value(outbox.append(drafts(0, 3)));
  value(outbox.bury('file', ['e1'], 'no'));
  t.is(value(outbox.retry({})), 1);
  t.deepEqual(ids(outbox, 'file'), ['e0', 'e1', 'e2']);
  t.deepEqual(pending(outbox), { file: 3 });
});

test('what the operator drops is gone for the sink named, ahead of its cursor and behind it, and is counted', t => {
  const outbox = openOutbox(database(t), ['file', 'kafka']);
  value(outbox.append([draft('a', 'low'), draft('b', 'high'), draft('c', 'high'), draft('d', 'low')]));
  value(outbox.bury('kafka', ['a', 'c'], 'no'));
  value(outbox.confirm('kafka', 1));
  t.deepEqual(value(outbox.drop({ sink: 'kafka' })).map(({ severity, count }) => [severity, count]), [['low', 1], ['high', 1]]);
  t.deepEqual(value(outbox.drop({ sink: 'kafka', state: 'pending', severity: 'high' })).map(({ severity, count }) => [severity, count]), [['high', 1]]);
  t.deepEqual(ids(outbox, 'kafka'), ['d']);
  t.deepEqual(outbox.list({ sink: 'kafka' }).map(({ id }) => id), ['d']);
  t.like(outbox.depth()[1], { pending: 1, dead: 0 });
  t.deepEqual(ids(outbox, 'file'), ['a', 'b', 'c', 'd']);
  value(outbox.confirm('kafka', 4));
  value(outbox.confirm('file', 4));
  t.is(value(outbox.prune()), 4);
});
