import test from 'ava';
import { createGathering } from '../../../../collectors/kernel/fanotify/gathering.ts';
import { did } from '../../../../collectors/kernel/fanotify/record.ts';
import type { Did } from '../../../../collectors/kernel/fanotify/wire.ts';
import { identity } from '../../../builders.ts';

const deed = (change: Partial<Did>): Omit<Did, 'kind'> => ({ at: 1, mask: did.modify, path: '/m/a', inside: null, by: ['folder'], target: { key: '1:7', links: 1, file: identity() }, actor: 1, pid: 1, ...change });
function gathering() {
  const time = { now: 0 };
  return { time, all: createGathering(() => time.now) };
}

test('what one process does to one file again and again is told once, as of the last time', t => {
  const { all, time } = gathering();
  for (let count = 0; count < 1_000; count++) all.add(deed({ at: count }));
  all.add(deed({ mask: did.closeWrite, at: 1_000 }));
  t.deepEqual(all.take(time.now, false).deeds, []);
  const [told, ...more] = all.take(time.now + 10, false).deeds;
  t.like(told, { at: 1_000, mask: did.modify | did.closeWrite });
  t.deepEqual(more, []);
});

test('of two writers the one who wrote last comes last', t => {
  const { all } = gathering();
  for (const actor of [1, 2, 1]) all.add(deed({ actor }));
  t.deepEqual(all.take(0, true).deeds.map(({ actor }) => actor), [2, 1]);
});

test('an open waits until it is known not to be a writer\'s', t => {
  const { all } = gathering();
  all.add(deed({ mask: did.open }));
  all.add(deed({ mask: did.open, actor: 2 }));
  all.add(deed({ mask: did.modify }));
  t.is(all.take(0, true).deeds.length, 1);
  t.deepEqual(all.take(50, false).deeds.map(({ actor, mask }) => [actor, mask]), [[2, did.open]]);
});

test('one process and one file are one open in ten seconds, another file is another', t => {
  const { all, time } = gathering();
  const told = (at: number): number => { time.now = at; all.add(deed({ mask: did.open })); return all.take(at + 50, false).deeds.length; };
  t.deepEqual([0, 100, 9_000, 10_100].map(told), [1, 0, 0, 1]);
  all.add(deed({ mask: did.open, target: { key: '1:8', links: 1, file: identity() } }));
  t.is(all.take(20_000, false).deeds.length, 1);
});

test('a flood of opens is cut to 500 a second and each one that is cut is counted', t => {
  const { all } = gathering();
  for (let actor = 0; actor < 5_000; actor++) all.add(deed({ mask: did.open, actor }));
  const { deeds, lostOpens } = all.take(100, false);
  t.is(deeds.length, 500);
  t.is(lostOpens, 4_500);
});

test('when something falls due is known, and nothing is due when nothing waits', t => {
  const { all, time } = gathering();
  t.is(all.due, null);
  time.now = 100;
  all.add(deed({ mask: did.open }));
  t.is(all.due, 150);
  all.add(deed({ actor: 3 }));
  t.is(all.due, 110);
});
