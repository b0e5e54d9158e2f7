import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import exec from '../../../../collectors/exec.ts';
import mxnet from '../../../../collectors/mxnet.ts';
import { decodeRecords, type BpfRecord } from '../../../../collectors/kernel/bpf/decode.ts';
import { createProbes } from '../../../../collectors/kernel/bpf/probes.ts';
import { type SensorProcess, startSensor } from '../../../../collectors/kernel/bpf/sensor-process.ts';
import { openBpfSession } from '../../../../collectors/kernel/bpf/session.ts';
import type { Told } from '../../../../collectors/kernel/bpf/wire.ts';
import { testWith } from '../../../services/require.ts';
import { act, begin, host, witness } from '../tracefs/stage.ts';
import { buildStandIn, hasCompiler } from '../tracefs/standin.ts';
import { heldBy, stillThere } from './kernel.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

const sleep = (ms: number): Promise<void> => new Promise(resolve => { setTimeout(resolve, ms); });
const { log } = witness().port;
const least = 256 << 10;

/** The sensor process alone, and what it says. */
async function sense(): Promise<{ readonly sensor: SensorProcess; readonly records: BpfRecord[]; readonly told: Told[]; until(isTrue: () => boolean): Promise<void> } & AsyncDisposable> {
  const records: BpfRecord[] = [];
  const told: Told[] = [];
  const sensor = await startSensor({ proc: host.proc, sys: host.sys, mainBytes: least, bulkBytes: least, syscalls: false }, {
    told(each) { told.push(each); }, records(bytes) { records.push(...decodeRecords(bytes).records.map(each => ({ ...each, text: Buffer.from(each.text) }))); },
  });
  return {
    sensor, records, told,
    async until(isTrue) { for (let round = 0; round < 1_500 && !isTrue(); round++) await sleep(20); },
    async [Symbol.asyncDispose]() { await sensor.kill(); },
  };
}
const lostOf = (told: readonly Told[], what: string): number => told.reduce((sum, each) => (each.kind === 'lost' && each.what === what && each.where === 'kernel' ? sum + (each.count ?? Number.NaN) : sum), 0);

testWith.serial(['root', 'bpf'], 'with the sensor stopped and small rings, what was delivered and what was lost is all there was', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  await using scene = await sense();
  const placed = createProbes({ attach: (path, places, file) => scene.sensor.ask(id => ({ do: 'attach', id, path, places, file })), detach: async () => [], inUse: () => true });
  t.deepEqual((await placed.add(standIn.library))?.functions, ['MXSymbolCreateFromFile', 'MXNDArrayLoad', 'MXLoadLib', 'MXNDArrayLoadFromBuffer', 'MXPredCreate', 'MXCustomOpRegister']);
  const calls = 10_000;
  using actor = await act(standIn.program, [standIn.library, 'line', 'many', String(calls), 'line', 'call', 'MXNDArrayLoad', 'last.params', 'line']);
  process.kill(scene.sensor.pid, 'SIGSTOP');
  await actor.next();
  await actor.said('did many');
  process.kill(scene.sensor.pid, 'SIGCONT');
  await actor.next();
  const of = (type: string): number => scene.records.filter(each => each.type === type && each.process.pid === actor.pid).length;
  await scene.until(() => of('entered') + lostOf(scene.told, 'entered') >= calls + 1 && of('returned') + lostOf(scene.told, 'returned') >= calls + 1);
  await sleep(2_500); // Told twice would be told by now.
  t.true(lostOf(scene.told, 'entered') > 0);
  t.is(of('entered') + lostOf(scene.told, 'entered'), calls + 1);
  t.is(of('returned') + lostOf(scene.told, 'returned'), calls + 1);
});

testWith.serial(['root', 'bpf'], 'a flood of datagrams pushes out no executed program, and is counted', async t => {
  await using scene = await sense();
  const datagrams = 6_000;
  using actor = await act('/bin/bash', ['-c', `read l; for ((i = 1; i <= ${datagrams}; i++)); do echo x > /dev/udp/127.0.0.1/$i; done; /bin/true after; echo flooded; read l`]);
  scene.sensor.send({ do: 'watch', pid: actor.pid });
  await scene.until(() => scene.told.some(each => each.kind === 'adopted' && each.members.includes(actor.pid)));
  process.kill(scene.sensor.pid, 'SIGSTOP');
  await actor.next();
  await actor.said('flooded');
  process.kill(scene.sensor.pid, 'SIGCONT');
  const addressed = (): number => scene.records.filter(each => each.type === 'addressed' && each.process.pid === actor.pid).length;
  await scene.until(() => addressed() + lostOf(scene.told, 'addressed') >= datagrams);
  t.true(lostOf(scene.told, 'addressed') > 0);
  t.is(addressed() + lostOf(scene.told, 'addressed'), datagrams);
  t.true(scene.records.some(each => each.type === 'executed' && each.root.pid === actor.pid));
  t.is(lostOf(scene.told, 'executed'), 0);
});

testWith.serial(['root', 'bpf'], 'the order to watch a process covers its living children, and what they start later', async t => {
  await using scene = await sense();
  using actor = await act('/bin/sh', ['-c', 'exec 3<&0; (read l <&3; /bin/true late) & wait']);
  await sleep(100);
  scene.sensor.send({ do: 'watch', pid: actor.pid });
  await scene.until(() => scene.told.some(each => each.kind === 'adopted' && each.members.length === 2));
  await actor.next();
  await scene.until(() => scene.records.some(each => each.type === 'executed'));
  t.like(scene.records.find(each => each.type === 'executed'), { root: { pid: actor.pid } });
  await scene.until(() => scene.records.some(each => each.type === 'exited' && each.process.pid === actor.pid));
  t.like(scene.records.find(each => each.type === 'exited' && each.process.pid === actor.pid), { status: 0 });
});

testWith.serial(['root', 'bpf'], 'the order to watch a process that is gone is answered with nobody', async t => {
  await using scene = await sense();
  scene.sensor.send({ do: 'watch', pid: 4_194_303 });
  await scene.until(() => scene.told.some(each => each.kind === 'adopted'));
  t.deepEqual(scene.told.find(each => each.kind === 'adopted'), { kind: 'adopted', root: 4_194_303, members: [] });
});

testWith.serial(['root', 'bpf'], 'a sensor process that is killed is started again, the gap is told, and what happens later is seen', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const seen = witness();
  await using stack = new AsyncDisposableStack();
  stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level: 'bpf' }));
  stack.use(await begin(exec, seen.port, { level: 'bpf' }));
  using actor = await act(standIn.program, [standIn.library, 'register', 'line', 'call', 'MXNDArrayLoad', 'after.params', 'run', 'sleep 0.2', 'line']);
  await actor.said('did register');
  const session = await openBpfSession(host, { log, bufferKb: 64, syscalls: false });
  const first = session.sensorPid;
  process.kill(first, 'SIGKILL');
  t.regex((await seen.until('sensor.changed', each => each.sensor === 'exec' && each.state === 'down')).blind[0] ?? '', /ended/);
  await seen.until('events.lost', each => each.what === 'any' && each.count === null);
  await seen.until('sensor.changed', each => each.sensor === 'mxnet' && each.state === 'armed' && /again/.test(each.blind[0] ?? ''));
  t.not(session.sensorPid, first);
  await session[Symbol.asyncDispose]();
  await actor.next();
  t.like(await seen.until('mxnet.called', each => each.process.pid === actor.pid), { outcome: 'ok', argument: { raw: 'after.params' } });
  await seen.until('process.executed', each => each.tree.pid === actor.pid && each.process.executable.path === '/bin/sh');
});

testWith.serial(['root', 'bpf'], 'after a stop in order nothing of ours is left in the kernel', async t => {
  const session = await openBpfSession(host, { log, bufferKb: 64, syscalls: false });
  const held = heldBy(session.sensorPid);
  t.true(held.programs.length >= 9 && held.links.length >= 9 && held.maps.length >= 9);
  t.deepEqual(stillThere(held), held);
  await session[Symbol.asyncDispose]();
  for (let round = 0; round < 250 && stillThere(held).maps.length + stillThere(held).programs.length > 0; round++) await sleep(20);
  t.deepEqual(stillThere(held), { programs: [], links: [], maps: [] });
});

testWith.serial(['root', 'bpf'], 'kill -9 of the agent ends its sensor, and nothing of theirs is left in the kernel', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const agent = spawn(process.execPath, [join(import.meta.dirname, 'doomed.ts'), standIn.library], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(agent, 'exit');
  const [said] = await once(agent.stdout.setEncoding('utf8'), 'data') as [string];
  const sensorPid = Number(said.trim());
  const held = heldBy(sensorPid);
  // Eleven links of probes on the stand-in, beside those of the programs themselves.
  t.true(held.links.length >= 20, String(held.links.length));
  agent.kill('SIGKILL');
  await ended;
  for (let round = 0; round < 500 && existsSync(`/proc/${sensorPid}/fd/0`); round++) await sleep(20);
  for (let round = 0; round < 250 && stillThere(held).maps.length + stillThere(held).programs.length > 0; round++) await sleep(20);
  t.deepEqual(stillThere(held), { programs: [], links: [], maps: [] });
});
