import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Draft, FileAccessed } from '../../agent/contract/event.ts';
import secrets from '../../collectors/secrets.ts';
import { testWith } from '../services/require.ts';
import { run, shell } from './kernel/fanotify/hands.ts';
import { host, temporary } from './kernel/inotify/watching.ts';

type Accessed = Omit<FileAccessed, 'id' | 'collector'>;

async function guarding(t: ExecutionContext, config: Record<string, unknown>) {
  const drafts: Draft[] = [];
  let changed = (): void => {};
  t.timeout(120_000);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const running = await secrets.start(secrets.config.parse(config), { emit: draft => { drafts.push(draft); changed(); }, fail: error => t.fail(String(error)), host, log });
  t.teardown(() => running[Symbol.asyncDispose]());
  const opened = (name?: string): readonly Accessed[] =>
    drafts.filter(draft => draft.kind === 'file.accessed').filter(draft => name === undefined || draft.place.path.endsWith(`/${name}`));
  const until = (what: string, isSo: () => boolean): Promise<void> => new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`never: ${what}\n${JSON.stringify(drafts.slice(-5), null, 1)}`)), 60_000);
    changed = () => { if (isSo()) { clearTimeout(late); resolve(); } };
    changed();
  });
  return { drafts, opened, until };
}

testWith(['root'], 'who opens a secret is told, with user, file and ancestors; who opens its neighbour is not', async t => {
  const folder = await temporary(t);
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'shadow'), 'x');
  await writeFile(join(folder, 'passwd'), 'x');
  const { drafts, opened, until } = await guarding(t, { paths: [join(folder, 'shadow')] });
  t.like(drafts[0], { kind: 'sensor.changed', sensor: 'secrets', state: 'armed', level: 'fanotify' });
  const reader = await shell(t, folder, 'read _ < passwd || true; read _ < shadow || true', { uid: 65_534 });
  await until('opened', () => opened().length > 0);
  t.like(opened()[0], { what: 'secret', place: { path: join(folder, 'shadow') }, by: { pid: reader.pid, uid: 65_534 } });
  t.is(opened()[0]?.by?.ancestors[0]?.pid, process.pid);
  t.is(opened().length, 1);
});

testWith(['root'], 'a secret that is replaced, that comes later or that a link leads to stays watched', async t => {
  const folder = await temporary(t);
  await mkdir(join(folder, '.ssh'));
  await writeFile(join(folder, 'shadow'), 'x');
  await writeFile(join(folder, 'far'), 'x');
  await symlink('../far', join(folder, '.ssh/id_link'));
  const { opened, until } = await guarding(t, { paths: [join(folder, 'shadow'), join(folder, '*/id_*')], rescanMs: 3_600_000 });
  // By another process: what the agent itself does is not told.
  await run(folder, 'sh', '-c', 'echo x > nshadow; mv nshadow shadow; echo x > .ssh/id_new');
  const told = async (name: string): Promise<void> => {
    // It is marked a moment after it came; whoever opens it before is the gap that the README names.
    for (let tries = 0; tries < 100 && opened(name).length === 0; tries++) {
      await run(folder, 'sh', '-c', `read _ < ${name === 'shadow' ? name : `.ssh/${name}`}; sleep 0.2`).catch(() => {});
    }
    await until(name, () => opened(name).length > 0);
  };
  for (const name of ['shadow', 'id_new', 'id_link']) await told(name);
  t.pass();
});

testWith(['root'], 'a program that opens the same secret without end is told once in ten seconds', async t => {
  const folder = await temporary(t);
  await writeFile(join(folder, 'token'), 'x');
  await writeFile(join(folder, 'other'), 'x');
  const { opened, until } = await guarding(t, { paths: [join(folder, '{token,other}')] });
  await shell(t, folder, 'i=0; while [ $i -lt 2000 ]; do read _ < token || true; i=$((i+1)); done; read _ < other || true');
  await until('other', () => opened('other').length > 0);
  t.is(opened('token').length, 1);
});

testWith(['root'], 'more files than maxFiles are said, and those below are watched', async t => {
  const folder = await temporary(t);
  for (let index = 0; index < 10; index++) await writeFile(join(folder, `${index}`), 'x');
  const { drafts } = await guarding(t, { paths: [join(folder, '*')], maxFiles: 5 });
  t.true(drafts.some(draft => draft.kind === 'sensor.changed' && draft.blind.some(line => line.includes('maxFiles (5)'))));
});

test('the paths must be absolute and name one level at a time', t => {
  t.throws(() => secrets.config.parse({ paths: ['models'] }));
  t.throws(() => secrets.config.parse({ paths: ['/srv/**'] }));
  t.notThrows(() => secrets.config.parse({ paths: ['/srv/*/key'] }));
});
