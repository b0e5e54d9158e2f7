import test from 'ava';
import type { EventOf } from '../../agent/contract/event.ts';
import tampering from '../../detectors/tampering.ts';
import { agentSampled, agentStarted, fileChanged, memory as kept, mxnetCalled, noon, process, processExecuted, processTraced, ref } from '../builders.ts';
import { afterLoad, beforeLoad, later, soon, told, tool, unnamed } from './deeds.ts';

const start = (entries = kept(), config = {}) => tampering.create(tampering.config.parse(config), entries);
const traced = (means: EventOf<'process.traced'>['means'], change: Partial<EventOf<'process.traced'>> = {}) => processTraced({ id: 'deed', at: soon, means, ...change });
const ran = (...argv: readonly string[]) => processExecuted({ id: 'deed', at: soon, process: tool(`/usr/bin/${argv[0]}`, argv) });
const gdb = tool('/usr/bin/gdb', ['gdb', '-p', '4121']);

const rules: readonly (readonly [string, string, EventOf<'process.traced' | 'process.executed' | 'file.changed'>])[] = [
  ['tampering.attached high', 'a debugger\'s hold on a stranger', traced('attach')],
  ['tampering.attached high', 'a hold on somebody not known', traced('attach', { target: null })],
  ['tampering.attached medium', 'a child\'s hold on the process that started it', traced('attach', { process: gdb, target: ref() })],
  ['tampering.memory-written high', 'memory of another process written', traced('write')],
  ['tampering.memory-file high', '/proc/PID/mem', traced('memory')],
  ['tampering.memory-read medium', 'memory of another process read', traced('read')],
  ['tampering.memory-read low', 'memory of its own ancestor read', traced('read', { process: tool('/usr/bin/x'), target: ref() })],
  ['tampering.anti-debug medium', 'traceme by the program itself', traced('traceme')],
  ['tampering.anti-debug low', 'traceme by what strace starts', traced('traceme', { process: tool('/usr/bin/ls') })],
  ['tampering.agent-files critical', 'the agent\'s state written', fileChanged({ id: 'deed', at: soon, place: { path: '/var/lib/mxwarden/state.db' }, by: process() })],
  ['tampering.agent-command critical', 'the agent stopped', ran('systemctl', 'stop', 'mxwarden.service')],
  ['tampering.agent-command critical', 'the agent killed by name', ran('sh', '-c', 'sleep 1; sudo pkill -9 -f mxwarden')],
  ['tampering.agent-command critical', 'the agent\'s spool removed', ran('rm', '-rf', '/var/lib/mxwarden/outbox')],
  ['tampering.agent-command critical', 'the agent\'s probes removed', ran('sh', '-c', 'echo > /sys/kernel/tracing/uprobe_events')],
  ['tampering.agent-command critical', 'a program taken out of the kernel', ran('bpftool', 'link', 'detach', 'id', '7')],
  ['tampering.guard-command high', 'the audit of the kernel switched off', ran('auditctl', '-e', '0')],
  ['tampering.guard-command high', 'another guard stopped', ran('systemctl', 'stop', 'falco')],
  ['tampering.guard-command high', 'the firewall emptied', ran('bash', '-c', 'iptables -F && curl x')],
  ['tampering.logs-removed medium', 'logs removed', ran('rm', '-f', '/var/log/auth.log')],
  ['tampering.logs-removed medium', 'a history emptied', ran('sh', '-c', ': > ~/.bash_history; unset HISTFILE')],
];
for (const [expected, title, event] of rules) {
  test(`${expected}: ${title}`, t => {
    const found = afterLoad(start())(event);
    t.deepEqual(told(found), [expected]);
    t.deepEqual(found[0]?.because, ['deed', 'load']);
    t.deepEqual(unnamed(found), []);
  });
}

const ordinary: readonly (readonly [string, EventOf<'process.executed' | 'file.changed'>])[] = [
  ['the agent asked how it is', ran('systemctl', 'status', 'mxwarden')], ['the agent\'s own command', ran('mxwarden', 'status')], ['another program killed', ran('pkill', 'tensorboard')],
  ['a guard asked how it is', ran('systemctl', 'status', 'auditd')], ['the program\'s own log', ran('sh', '-c', 'python x.py > /srv/train.log 2>&1')], ['a log read', ran('cat', '/var/log/syslog')],
  ['files like the agent\'s', fileChanged({ at: soon, place: { path: '/var/lib/mxwarden-models/x' }, by: process() })],
  ['the agent\'s files written by somebody else', fileChanged({ at: soon, place: { path: '/var/lib/mxwarden/state.db' }, by: tool('/usr/bin/node', ['node'], { ancestors: [] }) })],
  ['the agent\'s files found when watching began', fileChanged({ at: soon, change: 'found', place: { path: '/var/lib/mxwarden/state.db' }, by: process() })],
  ['the agent\'s files written by nobody known', fileChanged({ at: soon, place: { path: '/var/lib/mxwarden/state.db' }, by: null })],
];
for (const [title, event] of ordinary) test(`${title} is nothing`, t => { t.deepEqual(afterLoad(start())(event), []); });

test('another place of the agent\'s state is guarded when it is named', t => {
  const event = fileChanged({ at: soon, place: { path: '/srv/guard/state.db' }, by: process() });
  t.deepEqual(afterLoad(start())(event), []);
  t.deepEqual(told(afterLoad(start(kept(), { guarded: ['/srv/guard'] }))(event)), ['tampering.agent-files critical']);
});

test('ranks that read from each other before they load do so by habit, and an hour later all is one step less', t => {
  const see = beforeLoad(start());
  const read = traced('read', { process: tool('/usr/bin/mpirun') });
  see({ ...read, at: noon - 1_000 });
  see(mxnetCalled());
  t.deepEqual(see(read), []);
  t.deepEqual(told(see(traced('memory', { at: later }))), ['tampering.memory-file medium']);
});

/** Samples of the agent: one each second, and then one after this pause. */
function pause(see: ReturnType<typeof start>, intervalMs: number, cpuSeconds = 0.01) {
  for (let second = 1; second <= 3; second++) see(agentSampled({ at: noon + second * 1_000 }));
  return see(agentSampled({ id: 'sample', at: noon + 3_000 + intervalMs, intervalMs, cpuSeconds }));
}

test('an agent that stood still is low, medium when something was loaded shortly before', t => {
  const found = pause(start(), 60_000);
  t.deepEqual(told(found), ['tampering.agent-stalled low']);
  t.deepEqual(unnamed(found), []);
  const near = pause(afterLoad(start()), 60_000);
  t.deepEqual(told(near), ['tampering.agent-stalled medium']);
  t.regex(near[0]?.summary ?? '', /stood still for 60 s without computing.*"\/srv\/models\/model-0000\.params" was loaded shortly before/);
});

test('an agent that was busy, slow, or is asked seldom did not stand still', t => {
  t.deepEqual(pause(afterLoad(start()), 60_000, 50), []);
  t.deepEqual(pause(afterLoad(start()), 8_000), []);
  const seldom = afterLoad(start());
  for (let hour = 1; hour <= 3; hour++) t.deepEqual(seldom(agentSampled({ at: noon + hour * 3_600_000, intervalMs: 3_600_000 })), []);
});

test('a run that did not end in order is low, medium when something was loaded shortly before, nothing after a restart of the machine', t => {
  const entries = kept();
  start(entries)(agentStarted());
  const killed = agentStarted({ id: 'start', at: noon + 90_000, unwatchedSince: noon + 30_000 });
  t.deepEqual(told(start(kept(entries.entries))(killed)), ['tampering.agent-killed low']);
  afterLoad(start(entries));
  const found = start(kept(entries.entries))(killed);
  t.deepEqual(told(found), ['tampering.agent-killed medium']);
  t.regex(found[0]?.summary ?? '', /nothing was watched for 60 s; "\/srv\/models\/model-0000\.params" was loaded 30 s before/);
  t.deepEqual(unnamed(found), []);
  t.deepEqual(start(kept(entries.entries))({ ...killed, bootId: 'another' }), []);
  t.deepEqual(start(kept(entries.entries))({ ...killed, unwatchedSince: null }), []);
});

test('the agent itself held or written into is critical, read is high, and a stranger of its number in another boot is a stranger', t => {
  const see = afterLoad(start());
  const target = { pid: 977, startTicks: 512 };
  see(agentStarted({ process: target }));
  t.deepEqual(told(see(traced('attach', { target }))), ['tampering.agent-traced critical']);
  t.deepEqual(told(see(traced('write', { target }))), ['tampering.agent-traced critical']);
  t.deepEqual(told(see(traced('read', { target }))), ['tampering.agent-traced high']);
  t.deepEqual(told(see(traced('attach', { target: { ...target, startTicks: 513 } }))), ['tampering.attached high']);
  t.deepEqual(unnamed(afterLoad(start())(traced('attach', { target }))), []);
});
