import test from 'ava';
import { createDeeds, type SeenChange } from '../../../../collectors/kernel/fanotify/deeds.ts';
import { did } from '../../../../collectors/kernel/fanotify/record.ts';
import type { Deed } from '../../../../collectors/kernel/fanotify/session.ts';
import { identity, noon, process } from '../../../builders.ts';

const [alice, bob] = [process({ pid: 1, uid: 1_001 }), process({ pid: 2, uid: 1_002 })];
const deed = (change: Partial<Deed>): Deed => ({ at: noon, mask: did.modify, path: '/m/a', inside: null, target: { key: '1:7', links: 1, file: identity() }, pid: change.by?.pid ?? 9, seenBy: ['folder'], by: alice, ...change });
const seen = (change: SeenChange['change'], path = '/m/a', file: Partial<SeenChange['file']> = {}): SeenChange => ({ change, path, file: { key: '1:7', modifiedAt: noon, changedAt: noon, ...file } });
const after = (...done: readonly Partial<Deed>[]) => { const deeds = createDeeds(); for (const each of done) deeds.note(deed(each)); return deeds; };

test('of several writers it was the last one', t => {
  t.deepEqual(after({}, { by: bob }).authorOf(seen('written'), noon), { by: bob });
  t.deepEqual(after({}, { by: bob }, {}).authorOf(seen('written'), noon), { by: alice });
});

test('who only opened it for writing and closed it is not taken for the writer', t => {
  t.deepEqual(after({}, { by: bob, mask: did.closeWrite, at: noon + 1 }).authorOf(seen('written'), noon), { by: alice });
});

test('who closed it is the writer when no write explains the change: it was written through a mapping', t => {
  const deeds = after({}, { by: bob, mask: did.closeWrite, at: noon + 500 });
  t.deepEqual(deeds.authorOf(seen('written', '/m/a', { modifiedAt: noon + 400, changedAt: noon + 400 }), noon + 600), { by: bob });
});

test('a change later than all that was seen is nobody\'s, not the last writer\'s', t => {
  t.deepEqual(after({}).authorOf(seen('written', '/m/a', { modifiedAt: noon + 100, changedAt: noon + 100 }), noon + 200), { by: null, pid: null });
});

test('a mtime that was set back or ahead does not hide the writer, and who only changed the mode is not the writer', t => {
  const deeds = after({}, { by: bob, mask: did.attributes, at: noon + 300 });
  t.deepEqual(deeds.authorOf(seen('written', '/m/a', { modifiedAt: 1, changedAt: noon + 300 }), noon), { by: alice });
  t.deepEqual(deeds.authorOf(seen('attributes', '/m/a', { changedAt: noon + 300 }), noon), { by: bob });
  t.deepEqual(deeds.authorOf(seen('attributes', '/m/a', { changedAt: noon + 900 }), noon), { by: null, pid: null });
});

test('who renames a file is told of the rename, and of its arrival when it came from elsewhere', t => {
  const deeds = after({}, { by: bob, mask: did.movedFrom, path: '/m/a' }, { by: bob, mask: did.movedTo, path: '/m/b' });
  t.deepEqual(deeds.authorOf(seen('renamed', '/m/b'), noon), { by: bob });
  t.deepEqual(deeds.authorOf(seen('created', '/m/b'), noon), { by: bob });
  t.deepEqual(deeds.authorOf({ change: 'removed', path: '/m/a', file: null }, noon), { by: bob });
});

test('a file renamed away and written afterwards is the later writer\'s, whatever its name', t => {
  const deeds = after({ mask: did.movedTo, path: '/m/b', by: bob }, { path: '/m/b' });
  t.deepEqual(deeds.authorOf(seen('created', '/m/b'), noon), { by: alice });
});

test('files in a folder that was moved are renamed, or removed, by who moved the folder', t => {
  const deeds = after({ by: bob, mask: did.movedFrom | did.folder, path: '/m/old', target: null }, { by: bob, mask: did.movedTo | did.folder, path: '/m/new', target: null });
  t.deepEqual(deeds.authorOf(seen('renamed', '/m/new/deep/a'), noon), { by: bob });
  t.deepEqual(deeds.authorOf({ change: 'removed', path: '/m/old/deep/a', file: null }, noon), { by: bob });
});

test('who made a folder is not taken for who made a file in it', t => {
  const made = after({ by: bob, mask: did.create | did.folder, path: '/m/new', target: null });
  t.deepEqual(made.authorOf(seen('created', '/m/new/a', { modifiedAt: noon + 50, changedAt: noon + 50 }), noon + 100), { by: null, pid: null });
  const moved = after({ by: bob, mask: did.movedTo | did.folder, path: '/m/new', target: null });
  t.deepEqual(moved.authorOf(seen('created', '/m/new/a', { modifiedAt: noon + 50, changedAt: noon + 50 }), noon + 100), { by: null, pid: null });
  t.deepEqual(moved.authorOf(seen('created', '/m/new/a', { modifiedAt: noon - 9_000, changedAt: noon - 9_000 }), noon + 100), { by: bob });
});

test('a new file with the inode number of an old one has no past, a new name of an old file has', t => {
  const reused = after({}, { by: bob, mask: did.create, path: '/m/b', at: noon + 50 });
  t.deepEqual(reused.authorOf(seen('created', '/m/b', { modifiedAt: noon + 50, changedAt: noon + 50 }), noon + 50), { by: bob });
  const linked = after({}, { by: bob, mask: did.create, path: '/m/b', target: { key: '1:7', links: 2, file: identity() }, at: noon + 50 });
  t.deepEqual(linked.authorOf(seen('written', '/m/a', { changedAt: noon + 50 }), noon + 50), { by: alice });
  t.deepEqual(linked.authorOf(seen('created', '/m/b', { changedAt: noon + 50 }), noon + 50), { by: bob });
});

test('who was gone is told by pid alone, and names of long ago say nothing', t => {
  t.deepEqual(after({ by: null, pid: 4_711 }).authorOf(seen('written'), noon), { by: null, pid: 4_711 });
  t.deepEqual(after({ by: null, pid: 0 }).authorOf(seen('written'), noon), { by: null, pid: null });
  t.deepEqual(after({ mask: did.remove }).authorOf({ change: 'removed', path: '/m/a', file: null }, noon + 60_000), { by: null, pid: null });
  t.deepEqual(after({}).authorOf(seen('found'), noon), { by: null, pid: null });
});

test('what the author calls the file is told of the name that it had then, and of no other', t => {
  const deeds = after({ by: bob, inside: '/data/a' });
  t.deepEqual(deeds.authorOf(seen('written'), noon), { by: bob, inside: '/data/a' });
  t.deepEqual(deeds.authorOf(seen('written', '/m/b'), noon), { by: bob });
});

test('a file whose identity the kernel does not tell is known by its name', t => {
  t.deepEqual(after({ mask: did.create | did.modify, target: null }).authorOf(seen('created'), noon), { by: alice });
});

test('its memory is bounded: long names push out the oldest, and nothing slows down', t => {
  const deeds = createDeeds();
  const long = 'x'.repeat(4_000);
  for (let index = 0; index < 20_000; index++) deeds.note(deed({ mask: did.create, path: `/m/${long}${index}`, target: { key: `1:${index}`, links: 1, file: identity() } }));
  t.deepEqual(deeds.authorOf({ change: 'renamed', path: `/m/${long}0`, file: null }, noon), { by: null, pid: null });
  t.deepEqual(deeds.authorOf({ change: 'renamed', path: `/m/${long}19999`, file: null }, noon), { by: alice });
});
