import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import exec from '../../../../collectors/exec.ts';
import mxnet from '../../../../collectors/mxnet.ts';
import { armed, connect } from '../../../../collectors/kernel/tracefs/arm.ts';
import { createProbes } from '../../../../collectors/kernel/tracefs/probes.ts';
import { startReader } from '../../../../collectors/kernel/tracefs/reader-process.ts';
import { openSession } from '../../../../collectors/kernel/tracefs/session.ts';
import { sweep } from '../../../../collectors/kernel/tracefs/instance.ts';
import { testWith } from '../../../services/require.ts';
import { act, begin, followed, host, witness } from './stage.ts';
import { buildStandIn, hasCompiler } from './standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

// One after the other: they share the session of this process and the stand-in's inode.
const instances = (pid: number): string[] => readdirSync(`${host.tracefs}/instances`).filter(name => name.startsWith(`mxwarden-${pid}-`));
const probes = (group: string): string[] => readFileSync(`${host.tracefs}/uprobe_events`, 'latin1').split('\n').filter(line => line.includes(`:${group}`));
const { log } = witness().port;
const sleep = (ms: number): Promise<void> => new Promise(resolve => { setTimeout(resolve, ms); });

testWith.serial(['root', 'tracefs'], 'with the reader stopped and small buffers, what was delivered and what was lost is all there was', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  await using site = await armed(host, { log, bufferKb: 64, mount: true });
  const reader = await startReader(host);
  try {
    let delivered = 0;
    let lost = 0;
    reader.hear(reply => {
      if (reply.kind === 'named' || reply.kind === 'entered' || reply.kind === 'left') delivered += 1;
      if (reply.kind === 'lost' && reply.purpose === 'api') { t.is(reply.where, 'kernel'); lost += reply.count ?? NaN; }
    });
    await connect(site, [], reader);
    const placed = createProbes({ tracefs: host.tracefs, proc: host.proc, run: site.run, architecture: process.arch, inUse: () => true, learn: layouts => reader.ask(id => ({ do: 'learn', id, purpose: 'api', layouts })) });
    t.deepEqual((await placed.add(standIn.library))?.functions, ['MXSymbolCreateFromFile', 'MXNDArrayLoad', 'MXLoadLib', 'MXNDArrayLoadFromBuffer', 'MXPredCreate', 'MXCustomOpRegister']);
    const calls = 10_000;
    const records = placed.blind.length === 0 ? 3 : 2;
    using actor = await act(standIn.program, [standIn.library, 'line', 'many', String(calls), 'line', 'call', 'MXNDArrayLoad', 'last.params', 'line']);
    process.kill(reader.pid, 'SIGSTOP');
    await actor.next();
    await actor.said('did many');
    process.kill(reader.pid, 'SIGCONT');
    await actor.next();
    for (let round = 0; round < 1_000 && delivered + lost < records * (calls + 1); round++) await sleep(20);
    t.true(lost > 0);
    t.is(delivered + lost, records * (calls + 1));
  } finally { await reader.kill(); }
});

testWith.serial(['root', 'tracefs'], 'while nobody is followed the kernel filters for nobody and its events are off; the next to be followed is seen', async t => {
  await using site = await armed(host, { log, bufferKb: 64, mount: true });
  const reader = await startReader(host);
  try {
    const ended = new Set<number>();
    reader.hear(reply => { if (reply.kind === 'exited') ended.add(reply.tid); });
    await connect(site, [], reader);
    const pids = `${site.run.folder('tree')}/set_event_pid`;
    const isOn = (): boolean => readFileSync(`${site.run.folder('tree')}/events/sched/sched_process_exit/enable`, 'latin1').startsWith('1');
    t.true(isOn());
    for (let round = 0; round < 3_000 && (isOn() || readFileSync(pids, 'latin1') !== ''); round++) await sleep(20);
    t.false(isOn());
    t.is(readFileSync(pids, 'latin1'), '');
    using actor = await act('/bin/sh', ['-c', 'read line']);
    reader.send({ do: 'follow', pid: actor.pid });
    await followed(actor.pid);
    for (let round = 0; round < 3_000 && !isOn(); round++) await sleep(20);
    await actor.next();
    for (let round = 0; round < 3_000 && !ended.has(actor.pid); round++) await sleep(20);
    t.true(ended.has(actor.pid));
  } finally { await reader.kill(); }
});

testWith.serial(['root', 'tracefs'], 'a reader that is killed is started again, the gap is told, and what happens later is seen', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const seen = witness();
  await using stack = new AsyncDisposableStack();
  stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level: 'tracefs' }));
  stack.use(await begin(exec, seen.port, { level: 'tracefs' }));
  using actor = await act(standIn.program, [standIn.library, 'register', 'line', 'call', 'MXNDArrayLoad', 'after.params', 'run', 'sleep 0.2', 'line']);
  await followed(actor.pid);
  const session = await openSession(host, { log, bufferKb: 64, mount: true });
  const first = session.readerPid;
  process.kill(first, 'SIGKILL');
  t.regex((await seen.until('sensor.changed', each => each.sensor === 'exec' && each.state === 'down')).blind[0] ?? '', /ended/);
  await seen.until('events.lost', each => each.what === 'mxnet.called' && each.count === null);
  await seen.until('sensor.changed', each => each.sensor === 'mxnet' && each.state === 'armed' && /again/.test(each.blind[0] ?? ''));
  t.not(session.readerPid, first);
  await session[Symbol.asyncDispose]();
  await actor.next();
  t.like(await seen.until('mxnet.called', each => each.process.pid === actor.pid), { outcome: 'ok', argument: { raw: 'after.params' } });
  await seen.until('process.executed', each => each.tree.pid === actor.pid && each.process.executable.path === '/bin/sh');
});

testWith.serial(['root', 'tracefs'], 'after a stop in order nothing of ours is left in the kernel', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const site = await armed(host, { log, bufferKb: 64, mount: true });
  const reader = await startReader(host);
  await connect(site, [], reader);
  const placed = createProbes({ tracefs: host.tracefs, proc: host.proc, run: site.run, architecture: process.arch, inUse: () => true, async learn() { /* nobody calls it */ } });
  await placed.add(standIn.library);
  t.true(probes(`${site.run.group}/`).length > 0);
  await reader.kill();
  await site[Symbol.asyncDispose]();
  t.false(existsSync(`/proc/${reader.pid}`));
  t.deepEqual(probes(`${site.run.group}/`), []);
  t.deepEqual((['api', 'tree', 'bytes'] as const).filter(purpose => existsSync(site.run.folder(purpose))), []);
});

testWith.serial(['root', 'tracefs'], 'kill -9 of the agent ends its reader; what it left in the kernel is removed at the next start, and nobody else\'s', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const agent = spawn(process.execPath, [join(import.meta.dirname, 'doomed.ts'), standIn.library], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(agent, 'exit');
  const [said] = await once(agent.stdout.setEncoding('utf8'), 'data') as [string];
  const readerPid = Number(said.trim());
  const pid = agent.pid ?? -1;
  t.is(instances(pid).length, 3);
  t.true(probes(`mxwarden_${pid}_`).length > 0);
  await sweep(host.tracefs, host.proc);
  t.is(instances(pid).length, 3, 'a living agent keeps what it has');
  agent.kill('SIGKILL');
  await ended;
  for (let round = 0; round < 500 && existsSync(`/proc/${readerPid}/fd/0`); round++) await sleep(20);
  await using session = await openSession(host, { log, bufferKb: 64, mount: true });
  t.truthy(session);
  t.deepEqual(instances(pid), []);
  t.deepEqual(probes(`mxwarden_${pid}_`), []);
});
