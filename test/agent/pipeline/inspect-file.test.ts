import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { createReader, createRoom, openRegular } from '../../../agent/pipeline/inspect-file.ts';
import { tethered } from '../../services/run.ts';

/** Puts a FIFO and a file in turn in the place of `path`, until it is killed. */
const swap = `const { linkSync, renameSync } = require('fs'); const [path, ...others] = process.argv.slice(1);
for (;;) for (const other of others) { linkSync(other, path + '.new'); renameSync(path + '.new', path); }`;

test('a FIFO that takes the place of a file while it is opened is never opened, and never waited for', async t => {
  t.timeout(120_000);
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  const [path, file, fifo] = ['a.params', 'file', 'fifo'].map(name => join(folder, name)) as [string, string, string];
  await writeFile(path, 'x');
  await writeFile(file, 'x');
  execFileSync('mkfifo', [fifo]);
  const start = (command: string, args: readonly string[]) => {
    const child = spawn(...tethered(command, args), { stdio: ['ignore', 'pipe', 'ignore'] });
    t.teardown(async () => { const ended = once(child, 'exit'); child.kill('SIGKILL'); await ended; });
    return child;
  };
  // Opens as soon as somebody opens the FIFO to read.
  const writer = start('sh', ['-c', 'exec 3> "$1"; echo opened; sleep 600', 'sh', fifo]);
  let said = '';
  writer.stdout.on('data', piece => { said += String(piece); });
  start(process.execPath, ['-e', swap, path, file, fifo]);
  const seen = { file: 0, other: 0 };
  while (seen.file < 3_000 || seen.other < 300) {
    const opened = openRegular([Buffer.from(path)], null);
    if (opened) closeSync(opened.fd);
    seen[opened ? 'file' : 'other'] += 1;
    if ((seen.file + seen.other) % 100 === 0) await setImmediate();
  }
  t.is(said, '');
});

test('of several candidates the first regular file is opened, through links too, and the expected one only', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  const [file, link, fifo] = ['file', 'link', 'fifo'].map(name => join(folder, name)) as [string, string, string];
  await writeFile(file, 'content');
  await symlink(file, link);
  execFileSync('mkfifo', [fifo]);
  const opened = openRegular([fifo, folder, join(folder, 'nothing'), '/dev/null', link].map(path => Buffer.from(path)), null);
  t.is(opened && Buffer.from(opened.path).toString(), link);
  if (opened) {
    t.is(createReader(opened.fd, 7, createRoom())(3, 100).toString(), 'tent');
    closeSync(opened.fd);
  }
  t.is(openRegular([Buffer.from(file)], { device: '00:00', inode: '1', size: 7, mtimeNs: '0', ctimeNs: '0' }), null);
  t.is(openRegular([Buffer.from(join(folder, 'nothing'))], null), null);
});

test('a reader gives the same bytes of a small file and of a large one, wherever it is asked', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const content = Buffer.from(Array.from({ length: size }, (_, index) => index * 167 >> 3 & 0xff));
    await writeFile(join(folder, 'file'), content);
    const opened = openRegular([Buffer.from(join(folder, 'file'))], null);
    if (!opened) { t.fail(); return; }
    const read = createReader(opened.fd, size, createRoom());
    for (const [offset, length] of [[0, 10], [5, 0], [65_530, 20], [199_990, 100], [300_000, 5], [0, 1e9], [3, -1]] as const) t.deepEqual(Buffer.from(read(offset, length)), content.subarray(offset, Math.max(offset, offset + length)), `${size} ${offset} ${length}`);
    closeSync(opened.fd);
  }
});
