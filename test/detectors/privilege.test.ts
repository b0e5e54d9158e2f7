import test from 'ava';
import type { EventOf } from '../../agent/contract/event.ts';
import privilege from '../../detectors/privilege.ts';
import { credentialsChanged, kernelUsed, memory, mxnetCalled, noon } from '../builders.ts';
import { afterLoad, beforeLoad, later, soon, told, tool, unnamed } from './deeds.ts';

const start = () => privilege.create(privilege.config.parse({}), memory());
const became = (change: Partial<EventOf<'credentials.changed'>>) => credentialsChanged({ id: 'rise', at: soon, uid: { before: 1_001, after: 1_001 }, gained: [], dropped: [], ...change });
const used = (detail: string, allowed: boolean | null = true, change: Partial<EventOf<'kernel.used'>> = {}) => kernelUsed({ id: 'use', at: soon, interface: 'capability', detail, allowed, ...change });

const rules: readonly (readonly [string, string, EventOf<'credentials.changed'> | EventOf<'kernel.used'>])[] = [
  ['privilege.root critical', 'a service that becomes root', became({ uid: { before: 1_001, after: 0 }, gained: ['CAP_SYS_ADMIN'] })],
  ['privilege.root medium', 'sudo that becomes root', became({ uid: { before: 1_001, after: 0 }, process: tool('/usr/bin/sudo') })],
  ['privilege.root critical', 'a copy of sudo elsewhere', became({ uid: { before: 1_001, after: 0 }, process: tool('/srv/x/sudo') })],
  ['privilege.capability-gained high', 'a capability as good as root', became({ gained: ['CAP_DAC_READ_SEARCH'] })],
  ['privilege.capability-gained low', 'a harmless capability', became({ gained: ['CAP_NET_RAW'] })],
  ['privilege.other-user medium', 'another user', became({ uid: { before: 1_001, after: 1_002 } })],
  ['privilege.capability-used high', 'a module to be loaded', used('CAP_SYS_MODULE')],
  ['privilege.capability-used medium', 'a module to be loaded, refused', used('CAP_SYS_MODULE', false)],
  ['privilege.capability-used medium', 'a device file to be made', used('CAP_MKNOD')],
  ['privilege.capability-used low', 'a look into processes of others', used('CAP_SYS_PTRACE')],
];
for (const [expected, title, event] of rules) {
  test(`${expected}: ${title}`, t => {
    const found = afterLoad(start())(event);
    t.deepEqual(told(found), [expected]);
    t.is(found[0]?.because[1], 'load');
    t.deepEqual(unnamed(found), []);
  });
}

test('to become less is how servers start', t => {
  const see = afterLoad(start());
  t.deepEqual(see(became({ uid: { before: 0, after: 33 }, dropped: ['CAP_SYS_ADMIN'] })), []);
  t.deepEqual(see(became({ uid: { before: 0, after: 0 }, dropped: ['CAP_NET_RAW'] })), []);
  t.deepEqual(see(became({ uid: { before: 0, after: 0 }, gained: ['CAP_SYS_ADMIN'] })), []);
});

test('capabilities that are asked for without need every day, and refused ones of the least kind, are nothing', t => {
  const see = afterLoad(start());
  t.deepEqual(see(used('CAP_DAC_OVERRIDE')), []);
  t.deepEqual(see(used('CAP_SYS_PTRACE', false)), []);
});

test('all capabilities at once inside a user namespace of its own are medium, and say so', t => {
  const see = afterLoad(start());
  see(kernelUsed({ at: soon, interface: 'namespace', detail: 'user, mount', allowed: true }));
  const [finding] = see(became({ gained: ['CAP_CHOWN', 'CAP_SYS_ADMIN', 'CAP_SYS_MODULE'] }));
  t.like(finding, { rule: 'privilege.capability-gained', severity: 'medium' });
  t.regex(finding?.summary ?? '', /gained CAP_CHOWN, CAP_SYS_ADMIN, CAP_SYS_MODULE, inside a user namespace of its own/);
});

test('a server that takes root back for a moment at its start does so later too', t => {
  const see = beforeLoad(start());
  const back = became({ uid: { before: 33, after: 0 } });
  t.deepEqual(told(see({ ...back, at: noon - 1_000 })), ['privilege.root medium']);
  see(mxnetCalled());
  t.deepEqual(see(back), []);
  t.deepEqual(told(see(became({ uid: { before: 34, after: 0 } }))), ['privilege.root critical']);
});

test('an hour after the load it is one step less', t => {
  t.deepEqual(told(afterLoad(start())(became({ uid: { before: 1, after: 0 }, at: later }))), ['privilege.root high']);
});
