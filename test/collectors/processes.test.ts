import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import processes from '../../collectors/processes.ts';
import { folder, here, libraryAt, listeningPort, madeHost, mapLine, patience, runWith, until } from './kernel/procfs/tree.ts';
import { testWith } from '../services/require.ts';

test.beforeEach(t => { t.timeout(patience * 2); });
const config = processes.config.parse({});

test('a real process that maps libmxnet.so is a fact, and its end is one', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const { port, of } = listeningPort(here);
  await using _ = await processes.start(config, port);
  const child = runWith(t, library);
  const mapped = await until(() => of('mxnet.mapped').find(each => each.process.pid === child.pid));
  t.like(mapped, { process: { argv: ['sleep', '300'], uid: process.getuid?.() }, library: { place: { path: library }, version: null } });
  t.false('openPath' in mapped.library);
  child.kill('SIGKILL');
  const exited = await until(() => of('process.exited').find(each => each.process.pid === child.pid));
  t.deepEqual(exited.tree, exited.process);
  t.is(exited.process.startTicks, mapped.process.startTicks);
  t.is(exited.status, null);
});

test('nothing is said after it was stopped', async t => {
  const root = folder(t);
  const host = madeHost(root, [{ pid: 1 }, { pid: 7, maps: mapLine(5, '/a/libmxnet.so') }]);
  const { port, drafts } = listeningPort(host);
  const running = await processes.start(config, port);
  t.true(drafts.some(draft => draft.kind === 'mxnet.mapped'));
  await running[Symbol.asyncDispose]();
  const { length } = drafts;
  rmSync(join(host.proc, '7'), { recursive: true });
  await new Promise(resolve => setTimeout(resolve, 700));
  t.is(drafts.length, length);
});

test('what could not be examined is lost, counted and logged', async t => {
  const host = madeHost(folder(t), [{ pid: 1 }, { pid: 7, maps: 'nonsense\n' }, { pid: 8, maps: 'nonsense\n' }]);
  const { port, of, logged } = listeningPort(host);
  await (await processes.start(config, port))[Symbol.asyncDispose]();
  t.like(of('events.lost'), [{ where: 'collector', what: 'mxnet.mapped', count: 2 }]);
  t.true(logged.some(({ level, message }) => level === 'error' && message.includes('could not be examined')));
});

test('a /proc that hides the first process is degraded sight', async t => {
  const { port, of } = listeningPort(madeHost(folder(t), [{ pid: 7 }]));
  await using _ = await processes.start(config, port);
  t.like(of('sensor.changed'), [{ sensor: 'processes', state: 'degraded', level: 'unprivileged' }]);
  t.true(of('sensor.changed')[0]?.blind.some(text => text.includes('hidepid')));
});

testWith(['root'], 'an ordinary user is told what it does not see', async t => {
  const root = folder(t);
  chmodSync(root, 0o755);
  for (const part of ['agent/contract', 'collectors/kernel', 'collectors/processes.ts', 'node_modules/zod', 'package.json']) cpSync(resolve(part), join(root, part), { recursive: true });
  mkdirSync(join(root, 'bin'));
  cpSync(process.execPath, join(root, 'bin/node'));
  const program = `import processes from '${root}/collectors/processes.ts';
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const port = { emit: draft => console.log(JSON.stringify(draft)), fail() {}, log, host: { proc: '/proc', sys: '/sys', tracefs: '' } };
    await (await processes.start(processes.config.parse({}), port))[Symbol.asyncDispose]();`;
  const child = spawn(join(root, 'bin/node'), ['--input-type=module', '-e', program], { uid: 65_534, gid: 65_534, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  const said = output.trim().split('\n').map(line => JSON.parse(line)).find(draft => draft.kind === 'sensor.changed');
  t.like(said, { state: 'degraded', level: 'unprivileged' });
  t.regex(said.blind.join(), /other users/);
});
