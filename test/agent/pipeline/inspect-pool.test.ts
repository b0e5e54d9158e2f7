import { mkdtemp, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createInspectThread } from '../../../agent/pipeline/inspect-pool.ts';
import inspection from '../../../detectors/inspection.ts';

const configs = new Map([['inspection', inspection.config.parse({})]]);
const job = (path: string) => ({ place: { path }, candidates: [path], expected: null, maxBytes: 2 ** 50, known: [] });

test('of several files that a thread was given at once, the one that it hangs at is given up and the others are read', async t => {
  t.timeout(120_000);
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  const paths = ['a.params', 'endless.bin', 'b.params', 'c.params'].map(name => join(folder, name));
  for (const path of paths) await writeFile(path, 'x');
  await truncate(join(folder, 'endless.bin'), 2 ** 43);
  const thread = createInspectThread(configs, 4_000, 0);
  t.teardown(() => thread.end());
  const answers = await Promise.all(thread.ask(paths.map(job)));
  t.deepEqual(answers.map(({ answer }) => answer.type), ['read', 'unread', 'read', 'read']);
  t.like(answers[1]?.answer, { reason: 'it took more than 4000 ms', cause: 'final' });
  t.false(thread.busy);
});

test('a thread that is ended while it reads leaves no question open', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  await writeFile(join(folder, 'a.params'), 'x');
  const thread = createInspectThread(configs, 60_000, 0);
  const answers = thread.ask([job(join(folder, 'a.params')), job(join(folder, 'a.params'))]);
  await thread.end();
  t.deepEqual((await Promise.all(answers)).map(({ answer }) => answer.type), ['unread', 'unread']);
});

test('each of many files gets its own answer, asked together or one by one', async t => {
  t.timeout(120_000);
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  const paths = Array.from({ length: 100 }, (_, number) => join(folder, `${number}.bin`));
  for (const path of paths) await writeFile(path, path);
  const thread = createInspectThread(configs, 60_000, 0);
  t.teardown(() => thread.end());
  const sizes = (await Promise.all([...thread.ask(paths.slice(0, 60).map(job)), ...paths.slice(60).flatMap(path => thread.ask([job(path)]))])).map(({ answer }) => answer.type === 'read' ? answer.file.size : null);
  t.deepEqual(sizes, paths.map(path => path.length));
});
