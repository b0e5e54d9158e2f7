import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { temporary, watching } from './kernel/inotify/watching.ts';

const at = (folder: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${folder}/`), name]);

test('names with a newline, an escape sequence, a backslash or a bidi control are told escaped', async t => {
  const watch = await watching(t, {}, folder => writeFile(join(folder, 'a\nb'), 'x'));
  for (const name of ['esc\u001b[31m', 'back\\slash', 'rtl\u202etxt', 'feed\r']) await writeFile(join(watch.folder, name), 'x');
  await watch.until('all', () => watch.files().length >= 5);
  t.deepEqual([...watch.told()].sort(), ['created back\\\\slash', 'created esc\\x1b[31m', 'created feed\\x0d', 'created rtl\\u{202e}txt', 'found a\\x0ab']);
});

test('a name that is not UTF-8 is found, created, written and removed under its own bytes', async t => {
  const watch = await watching(t, {}, folder => writeFile(at(folder, Buffer.from([0x6e, 0xff])), 'x'));
  const strange = at(watch.folder, Buffer.from([0x6d, 0xfe, 0x80]));
  t.deepEqual(watch.told(), ['found n\\xff']);
  await writeFile(strange, 'x');
  await watch.until('created', () => watch.told().includes('created m\\xfe\\x80'));
  await writeFile(strange, 'other');
  await watch.until('written', () => watch.told().includes('written m\\xfe\\x80'));
  await rename(strange, at(watch.folder, Buffer.from([0x6c, 0xfe])));
  await watch.until('renamed', () => watch.told().includes('renamed l\\xfe < m\\xfe\\x80'));
  await rm(at(watch.folder, Buffer.from([0x6c, 0xfe])));
  await watch.until('removed', () => watch.told().includes('removed l\\xfe'));
});

test('a real U+FFFD in a name is not mistaken for a spoilt one', async t => {
  const watch = await watching(t);
  await writeFile(join(watch.folder, 'a\ufffd'), 'x');
  await writeFile(at(watch.folder, Buffer.from([0x61, 0xff])), 'x');
  await watch.until('both', () => watch.files().length >= 2);
  t.deepEqual([...watch.told()].sort(), ['created a\\xff', 'created a\ufffd']);
});

test('a folder whose name is not UTF-8 is polled, which is said', async t => {
  const watch = await watching(t, { pollMs: 200 }, folder => mkdir(at(folder, Buffer.from([0xff]))));
  await writeFile(Buffer.concat([at(watch.folder, Buffer.from([0xff])), Buffer.from('/net')]), 'x');
  await watch.until('found', () => watch.told().some(line => line.endsWith('\\xff/net')));
  t.true(watch.drafts.some(draft => draft.kind === 'sensor.changed' && draft.state === 'degraded' && draft.blind.some(line => line.includes('not UTF-8'))));
});

test('a folder named with a backslash does not blind the one it would be with a slash', async t => {
  const watch = await watching(t, {}, async folder => { await mkdir(join(folder, 'a/b'), { recursive: true }); });
  await mkdir(join(watch.folder, 'a\\b'));
  await writeFile(join(watch.folder, 'a\\b/one'), 'x');
  await watch.until('inside', () => watch.told().includes('created a\\\\b/one'));
  await rm(join(watch.folder, 'a\\b'), { recursive: true });
  await watch.until('gone', () => watch.told().includes('removed a\\\\b/one'));
  await writeFile(join(watch.folder, 'a/b/two'), 'x');
  await watch.until('still watched', () => watch.told().includes('created a/b/two'));
  t.pass();
});

test('names of 255 bytes and paths up to what the kernel takes are watched; what is deeper is said', async t => {
  const deep = `import os,sys
os.chdir(sys.argv[1])
for i in range(20):
  os.mkdir('d'*255); os.chdir('d'*255); open('f', 'w').close()`;
  const watch = await watching(t, {}, async folder => { execFileSync('python3', ['-c', deep, folder]); });
  const deepest = Math.floor((4_095 - watch.folder.length - 2) / 256);
  await watch.until('said', () => watch.drafts.some(draft => draft.kind === 'sensor.changed' && draft.state === 'degraded' && draft.blind.some(line => line.includes('longer than the kernel takes'))));
  t.is(watch.files().length, deepest);
  const longest = Math.max(...watch.files().map(file => file.place.path.length));
  t.true(longest > 3_700 && longest < 4_096);
});

test('a root that does not exist is noticed when it appears, is lost and comes again', async t => {
  const above = await temporary(t);
  const watch = await watching(t, { roots: [join(above, 'later/models')], pollMs: 100 });
  t.true(watch.drafts.some(draft => draft.kind === 'sensor.changed' && draft.state === 'armed' && draft.blind.some(line => line.includes('does not exist yet'))));
  const ends = (change: string, name: string): boolean => watch.files().some(file => file.change === change && file.place.path === join(above, 'later/models', name));
  await mkdir(join(above, 'later/models'), { recursive: true });
  await writeFile(join(above, 'later/models/one'), 'x');
  await watch.until('created', () => ends('created', 'one'));
  await rm(join(above, 'later'), { recursive: true });
  await watch.until('removed', () => ends('removed', 'one'));
  await mkdir(join(above, 'later/models'), { recursive: true });
  await writeFile(join(above, 'later/models/two'), 'x');
  await watch.until('again', () => ends('created', 'two'));
  await writeFile(join(above, 'later/models/three'), 'x');
  await watch.until('watched', () => ends('created', 'three'));
});

test('a root with a wildcard covers every folder that matches, also hidden and later ones, each file once', async t => {
  const above = await temporary(t);
  for (const name of ['a', '.b']) { await mkdir(join(above, name, 'models'), { recursive: true }); await writeFile(join(above, name, 'models/net'), 'x'); }
  const watch = await watching(t, { roots: [join(above, '*/models'), join(above, 'a'), join(above, 'a/models')], pollMs: 100 });
  await mkdir(join(above, 'c/models'), { recursive: true });
  await writeFile(join(above, 'c/models/net'), 'x');
  await watch.until('all', () => watch.files().length >= 3);
  t.deepEqual(watch.files().map(file => file.place.path.slice(above.length)).sort(), ['/.b/models/net', '/a/models/net', '/c/models/net']);
});
