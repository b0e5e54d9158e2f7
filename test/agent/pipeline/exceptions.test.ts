import test from 'ava';
import type { Exception } from '../../../agent/config/exceptions.ts';
import type { Event } from '../../../agent/contract/event.ts';
import type { Suspicion } from '../../../agent/contract/finding.ts';
import { createExceptions } from '../../../agent/pipeline/exceptions.ts';
import { artifactInspected, child, fileChanged, mxnetCalled, networkConnected, networkTransferred, noon, processExecuted, processSampled } from '../../builders.ts';

const exception = (change: Partial<Exception>): Exception => ({ rule: 'child.shell', owner: 'ml-platform', reason: 'looked at', expires: '2099-12-31', ...change });
const suspicion = (rule: string, because: Suspicion['because'], at = noon): Suspicion => ({ rule, severity: 'high', confidence: 1, summary: 'something', at, because, techniques: [] });

/** Whether a finding of this rule about the last event is suppressed. */
function suppressed(one: Partial<Exception>, rule: string, events: readonly Event[], because: Suspicion['because']): boolean {
  const by = createExceptions([exception(one)]);
  for (const event of events) by.note(event);
  const last = events.at(-1);
  return last !== undefined && by.judge(suspicion(rule, because), last) === null;
}

const shell = processExecuted({ id: 'deed' });
const connection = (address: string, port = 443) => networkConnected({ id: 'deed', address, port });

test('every fact that is given must be there, whole', t => {
  const is = (one: Partial<Exception>) => suppressed(one, 'child.shell', [shell], ['deed']);
  t.true(is({ executable: '/usr/bin/dash' }));
  t.true(is({ executable: '/usr/bin/dash', argv: ['/bin/sh', '-c', 'id'] }));
  t.false(is({ executable: '/usr/bin/das' }));
  t.false(is({ executable: '/usr/bin/dash', argv: ['/bin/sh', '-c', 'id; curl h'] }));
  t.false(is({ executable: '/usr/bin/dash', argv: ['/bin/sh', '-c'] }));
  t.false(is({ executable: '/usr/bin/dash', argv: ['/bin/sh', '-c id'] }));
  t.false(is({ executable: '/usr/bin/dash', port: 443 }));
  t.false(is({ path: '/usr/bin/dash' }));
});

test('a rule is itself, or all of one detector', t => {
  const is = (rule: string, of: string) => suppressed({ rule, executable: '/usr/bin/dash' }, of, [shell], ['deed']);
  t.true(is('child.*', 'child.shell'));
  t.false(is('child.*', 'children.shell'));
  t.false(is('child.shell', 'child.shell-like'));
  t.false(is('connection.*', 'child.shell'));
});

test('an address may be a network, in any spelling', t => {
  const is = (address: string, to: string) => suppressed({ rule: 'connection.first', address }, 'connection.first', [connection(to)], ['deed']);
  t.true(is('10.0.0.0/8', '10.255.0.1'));
  t.true(is('10.0.0.0/8', '::ffff:10.1.2.3'));
  t.true(is('fd00:ec2::254', 'FD00:0EC2:0:0:0:0:0:254'));
  t.true(is('fe80::/10', 'fe80::1%eth0'));
  t.false(is('10.0.0.0/8', '11.0.0.1'));
  t.false(is('10.0.0.1', '10.0.0.2'));
  t.false(is('0.0.0.0/0', 'fd00::1'));
  t.false(is('0.0.0.0/0', 'no address'));
});

test('a path is one file, or all below a folder when it ends with one', t => {
  const is = (path: string, of: string) => suppressed({ rule: 'change.mode', path }, 'change.mode', [fileChanged({ id: 'deed', place: { path: of } })], ['deed']);
  t.true(is('/srv/models/a.params', '/srv/models/a.params'));
  t.true(is('/srv/models/', '/srv/models/a/b.params'));
  t.false(is('/srv/models', '/srv/models/a.params'));
  t.false(is('/srv/models/', '/srv/models-2/a.params'));
});

test('an exception for a program is not met by its loader, nor by other evidence than the deed', t => {
  t.false(suppressed({ executable: '/usr/bin/python3' }, 'child.shell', [mxnetCalled({ id: 'load' }), shell], ['deed', 'load']));
  t.false(suppressed({ rule: 'change.while-loaded', executable: '/usr/bin/python3' }, 'change.while-loaded', [mxnetCalled({ id: 'load' }), fileChanged({ id: 'deed' })], ['deed', 'load']));
});

test('a figure of a process is known by other evidence of the same process', t => {
  const rule = 'usage.cpu';
  const load = mxnetCalled({ id: 'load' });
  t.true(suppressed({ rule, executable: '/usr/bin/python3' }, rule, [load, processSampled({ id: 'figure' })], ['figure', 'load']));
  t.true(suppressed({ rule, executable: '/usr/bin/python3' }, rule, [load, networkTransferred({ id: 'figure' })], ['figure', 'load']));
  t.false(suppressed({ rule, executable: '/usr/bin/python3' }, rule, [load, processSampled({ id: 'figure', process: { pid: 7, startTicks: 1 } })], ['figure', 'load']));
});

test('a deed that came before the event at which it is told is known still', t => {
  t.true(suppressed({ executable: '/usr/bin/dash' }, 'child.shell', [shell, mxnetCalled({ id: 'load' })], ['deed', 'load']));
});

test('what the inspector saw in a file is excepted by its path', t => {
  t.true(suppressed({ rule: 'pickle.*', path: '/srv/models/' }, 'pickle.unknown-global', [artifactInspected({ id: 'deed' })], ['deed']));
});

test('it holds on its last day to the end, and from the next on only says that it is over', t => {
  const day = '2026-11-24';
  const judge = (at: number) => {
    const by = createExceptions([exception({ executable: '/usr/bin/dash', expires: day })]);
    const deed = { ...shell, at };
    by.note(deed);
    return { asked: by.covers('child.shell', deed), left: by.judge(suspicion('child.shell', ['deed'], at), deed) };
  };
  const end = Date.parse('2026-11-25T00:00:00Z');
  t.deepEqual(judge(end - 1), { asked: true, left: null });
  const { asked, left } = judge(end);
  t.false(asked);
  t.is(left?.summary, 'something; the exception of ml-platform for this expired on 2026-11-24');
});

test('of two exceptions one that holds counts', t => {
  const by = createExceptions([exception({ executable: '/usr/bin/dash', expires: '2020-01-01' }), exception({ executable: '/usr/bin/dash' })]);
  by.note(shell);
  t.is(by.judge(suspicion('child.shell', ['deed']), shell), null);
  t.deepEqual(by.status(noon).map(({ expired, suppressed: count }) => [expired, count]), [[true, 0], [false, 1]]);
});

test('what was suppressed is told at once, then once an hour with the sum', t => {
  const by = createExceptions([exception({ executable: '/usr/bin/dash', reason: 'a line\nand another' })]);
  const at = (minutes: number) => {
    const deed = processExecuted({ id: `d${minutes}`, at: noon + minutes * 60_000, process: child() });
    by.note(deed);
    by.judge(suspicion('child.shell', [deed.id], deed.at), deed);
    return by.takeNotices().map(notice => [notice.rule, notice.severity, notice.summary]);
  };
  t.deepEqual(at(0), [['agent.excepted', 'info', 'A finding of child.shell suppressed by the exception of ml-platform: a line\\x0aand another (until 2099-12-31)']]);
  t.deepEqual(at(1), []);
  t.deepEqual(at(2), []);
  t.deepEqual(at(61), [['agent.excepted', 'info', '3 findings of child.shell suppressed by the exception of ml-platform: a line\\x0aand another (until 2099-12-31)']]);
});

test('a deed that was forgotten is told: nothing is suppressed unseen', t => {
  const by = createExceptions([exception({ executable: '/usr/bin/dash' })]);
  by.note(shell);
  for (let index = 0; index < 10_000; index++) by.note(processExecuted({ id: `x${index}` }));
  t.not(by.judge(suspicion('child.shell', ['deed']), shell), null);
});
