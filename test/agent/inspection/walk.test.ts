import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readText } from '../../../agent/contract/text.ts';
import { walk } from '../../../agent/inspection/walk.ts';

async function tree() {
  const folder = await mkdtemp(join(tmpdir(), 'walk-'));
  const outside = await mkdtemp(join(tmpdir(), 'outside-'));
  await writeFile(join(outside, 'secret.params'), 'x');
  await mkdir(join(folder, 'b/c'), { recursive: true });
  await writeFile(join(folder, 'z.params'), 'x');
  await writeFile(join(folder, 'b/a.params'), 'x');
  await writeFile(Buffer.concat([Buffer.from(`${folder}/b/c/`), Buffer.from([0x61, 0xff, 0x0a])]), 'x');
  await symlink(join(outside, 'secret.params'), join(folder, 'b/out'));
  await symlink(join(folder, 'z.params'), join(folder, 'b/inside'));
  await symlink(join(folder, 'b'), join(folder, 'b/c/loop'));
  await symlink('/nonexistent', join(folder, 'broken'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  return folder;
}

const seen = (folder: string, recursive = true) => [...walk(Buffer.from(folder), recursive)].map(item => `${item.type} ${readText(item.path).slice(folder.length)}${item.type === 'passed' ? `: ${item.why}` : ''}`);

test('files come in the order of their bytes; links out, devices and pipes are told and not opened; loops end', async t => {
  t.deepEqual(seen(await tree()), [
    'file /b/a.params',
    String.raw`file /b/c/a\xff\x0a`,
    'file /b/inside',
    'passed /b/out: a symbolic link out of the folder; name its target to have it inspected',
    'passed /broken: a symbolic link to nothing (12 bytes)',
    'passed /fifo: a FIFO; only regular files are opened',
    'file /z.params',
  ]);
});

test('without recursion only the folder itself', async t => {
  t.deepEqual(seen(await tree(), false).filter(line => line.startsWith('file')), ['file /z.params']);
});

test('without recursion a link that was named leads into one folder only', async t => {
  const folder = await tree();
  await symlink(join(folder, 'b'), `${folder}-link`);
  const names = (recursive: boolean) => [...walk(Buffer.from(`${folder}-link`), recursive)].filter(({ type }) => type === 'file').map(({ path }) => readText(path).slice(folder.length));
  t.deepEqual(names(false), ['/b/a.params']);
  t.true(names(true).length > 1);
});

test('what is not there is told, a link that was named is followed', async t => {
  t.deepEqual([...walk(Buffer.from('/nonexistent'), true)].map(item => item.type), ['passed']);
  const folder = await tree();
  t.is([...walk(Buffer.from(join(folder, 'b/out')), true)][0]?.type, 'file');
});
