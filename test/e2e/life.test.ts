import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { mustRun, run } from '../services/run.ts';
import { spawnPython } from '../services/mxnet.ts';
import { testWith } from '../services/require.ts';
import { newest, scene, startAgent, until } from './rig.ts';

const bin = new URL('../../agent/mxwarden', import.meta.url).pathname;
const program = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(64)]);

async function edit(config: string, change: (text: Record<string, Record<string, unknown>>) => void) {
  const value = parse(await readFile(config, 'utf8')) as Record<string, Record<string, unknown>>;
  change(value);
  await writeFile(config, stringify(value));
}

test.serial('a stopping agent ends within five seconds and says what a dead sink has not got', async t => {
  t.timeout(180_000);
  await using at = await scene({}, { otlp: { endpoint: 'http://127.0.0.1:9' } });
  await using agent = await startAgent(at);
  await writeFile(join(at.models, 'net-0000.params'), program);
  await until(async () => (await at.alerts()).length > 0, 60_000, () => `an alert\n${agent.stderr()}`);
  agent.signal('SIGTERM');
  const ended = await Promise.race([agent.exited, delay(15_000, null, { ref: false })]);
  t.is(ended?.code, 0);
  t.regex(agent.stderr(), /still undelivered and kept for the next start: otlp [1-9]/);
  const waiting = await run(bin, ['outbox', 'list', '--config', at.config]);
  t.is(waiting.code, 1);
  t.regex(waiting.stdout, /otlp +pending/);
});

test.serial('a hangup reloads a sound configuration and keeps the old one before a faulty one', async t => {
  t.timeout(180_000);
  await using at = await scene();
  await using agent = await startAgent(at);
  const other = join(at.folder, 'other');
  await mkdir(other);
  await edit(at.config, value => { value['collectors'] = { watch: { roots: [at.models, other] } }; });
  agent.signal('SIGHUP');
  await until(() => agent.stderr().includes('configuration reloaded'), 60_000, () => agent.stderr());
  await writeFile(join(other, 'late-0000.params'), program);
  await until(async () => newest(await at.alerts()).some(alert => JSON.stringify(alert).includes('late-0000.params')), 60_000, () => `the new root is watched\n${agent.stderr()}`);
  await writeFile(at.config, 'log: {levl: 1}\n');
  agent.signal('SIGHUP');
  await until(() => /the old one stays in force: .*levl: unknown key/.test(agent.stderr()), 60_000, () => agent.stderr());
  await writeFile(join(other, 'later-0000.params'), program);
  await until(async () => newest(await at.alerts()).some(alert => JSON.stringify(alert).includes('later-0000.params')), 60_000, 'the old configuration still works');
  t.pass();
});

test.serial('what is excepted raises no alert; the status counts it and names the exception that expired', async t => {
  t.timeout(180_000);
  await using at = await scene();
  const excepted = (path: string, expires: string) => ({ rule: 'kind.*', path, owner: 'ml-platform', reason: 'a plugin of ours', expires });
  const [fine, over] = [join(at.models, 'fine-0000.params'), join(at.models, 'over-0000.params')];
  await edit(at.config, value => { Object.assign(value, { exceptions: [excepted(fine, '2099-12-31'), excepted(over, '2020-01-31')] }); });
  await using agent = await startAgent(at);
  t.regex(agent.stderr(), /the exception of ml-platform for kind\.\* \(a plugin of ours\) expired on 2020-01-31 and does nothing/);
  await writeFile(fine, program);
  const status = () => run(bin, ['status', '--config', at.config]);
  await until(async () => /exceptions +1 in force; findings suppressed: [1-9]/.test((await status()).stdout), 60_000, 'the finding is counted');
  t.regex((await status()).stdout, /expired on 2020-01-31: kind\.\* of ml-platform/);
  await writeFile(over, program);
  await until(async () => JSON.stringify(await at.alerts()).includes('the exception of ml-platform for this expired on 2020-01-31'), 60_000, () => `the other one is told\n${agent.stderr()}`);
  t.deepEqual(newest(await at.alerts()).filter(alert => alert.message.includes('fine-0000.params')), []);
});

test.serial('a second agent on the same state says so and ends with 78', async t => {
  t.timeout(180_000);
  await using at = await scene();
  await using _ = await startAgent(at);
  const second = await run(bin, ['run', '--config', at.config], { timeoutMs: 30_000 });
  t.is(second.code, 78);
  t.regex(second.stderr, /another/);
});

test.serial('status tells collectors, sinks and counts of the running agent', async t => {
  t.timeout(180_000);
  await using at = await scene();
  await using agent = await startAgent(at);
  const { code, stdout } = await run(bin, ['status', '--config', at.config, '--format', 'json']);
  const status = JSON.parse(stdout) as { pid: number; collectors: { name: string; state: string }[]; sinks: { name: string }[]; events: { emitted: number } };
  t.true(code === 0 || code === 2);
  t.is(status.pid, agent.pid);
  t.true(status.collectors.some(one => one.name === 'watch' && one.state === 'armed'));
  t.deepEqual(status.sinks.map(sink => sink.name), ['stdout', 'file']);
  t.true(status.events.emitted > 0);
});

test.serial('names with newlines, escape codes and bytes that are not UTF-8 reach the alert escaped and whole', async t => {
  t.timeout(180_000);
  await using at = await scene();
  await using agent = await startAgent(at);
  const name = Buffer.concat([Buffer.from('a\n\x1b[31m\u202eforged'), Buffer.from([0xff]), Buffer.from('-0000.params')]);
  await writeFile(Buffer.concat([Buffer.from(`${at.models}/`), name]), program);
  await until(async () => (await at.alerts()).some(alert => JSON.stringify(alert).includes('forged')), 60_000, () => `the alert\n${agent.stderr()}`);
  const text = await readFile(join(at.folder, 'alerts.jsonl'), 'utf8');
  t.true(text.includes(String.raw`a\\x0a\\x1b[31m\\u{202e}forged\\xff-0000.params`), text.slice(0, 2_000));
  t.notRegex(agent.stdout().replaceAll('\n', ''), /[\u0000-\u001f\u202e]/);
});

test.serial('model roots that do not exist are watched for, and said', async t => {
  t.timeout(180_000);
  await using at = await scene();
  const late = join(at.folder, 'later/models');
  await edit(at.config, value => { value['collectors'] = { watch: { roots: [late] } }; });
  await using agent = await startAgent(at);
  await until(() => agent.stderr().includes('does not exist yet'), 30_000, 'it is said');
  await mkdir(late, { recursive: true });
  await writeFile(join(late, 'net-0000.params'), program);
  await until(async () => (await at.alerts()).length > 0, 60_000, () => `the alert\n${agent.stderr()}`);
  t.pass();
});

testWith.serial(['mxnet'], 'a service manager that asks for it is told READY=1', async t => {
  await using at = await scene();
  const socket = join(at.folder, 'notify.sock');
  const listener = [
    'import socket', 's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)', `s.bind(${JSON.stringify(socket)})`, 'print("bound", flush=True)',
    'for _ in range(2): print(repr(s.recv(4096).decode()), flush=True)',
  ].join('\n');
  await using manager = await spawnPython(listener);
  t.is(await manager.read(), 'bound');
  await using agent = await startAgent(at, [], { NOTIFY_SOCKET: socket });
  t.is(await manager.read(), `'READY=1\\nMAINPID=${agent.pid}'`);
  agent.signal('SIGTERM');
  t.regex(await manager.read(), /STOPPING=1/);
});

testWith.serial(['root'], 'an agent without privileges sees files, and says what it misses', async t => {
  await using at = await scene();
  await run('chown', ['-R', '65534:65534', at.folder]);
  await run('chmod', ['-R', 'a+rX', at.folder]);
  const child = run('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', 'timeout', '12', bin, 'run', '--config', at.config], { timeoutMs: 40_000, cwd: at.folder });
  await delay(6_000);
  await writeFile(join(at.models, 'net-0000.params'), program);
  const { stderr } = await child;
  if (/Permission denied|EACCES/.test(stderr) && !stderr.includes('armed')) { t.log('this checkout cannot be read by another user; nothing shown'); t.pass(); return; }
  t.regex(stderr, /armed in/);
  t.regex(stderr, /exec is unavailable|not armed: .*exec/);
  t.true((await at.alerts()).length > 0, stderr);
});

testWith.serial(['root'], 'a full disk is said once, alerts wait for room, and then all of them are delivered', async t => {
  await using at = await scene();
  const state = join(at.folder, 'state');
  await mkdir(state);
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'size=32m,mode=0700', 'tmpfs', state]);
  try {
    await using agent = await startAgent(at);
    const filler = join(state, 'filler');
    await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096']);
    for (let number = 0; number < 60; number++) await writeFile(join(at.models, `net${number}-0000.params`), program);
    await until(() => agent.stderr().includes('nothing can be stored'), 60_000, () => `the agent says it\n${agent.stderr().slice(-2_000)}`);
    await rm(filler);
    const told = async () => new Set((await at.alerts()).map(alert => alert.finding_info.uid)).size;
    await until(async () => await told() >= 60, 60_000, () => `all alerts arrive\n${agent.stderr().slice(-2_000)}`);
    t.regex(agent.stderr(), /storing works again/);
  } finally { await mustRun('umount', ['-l', state]); }
});
