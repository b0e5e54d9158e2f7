import test from 'ava';
import { processTree } from '../../../forwarders/encode/tree.ts';
import { child, incident, mxnetCalled, networkConnected, noon, process, processExecuted, processExited, ref } from '../../builders.ts';

const event = (one: ReturnType<typeof processExecuted> | ReturnType<typeof mxnetCalled> | ReturnType<typeof networkConnected> | ReturnType<typeof processExited>) => ({ type: 'event', event: one }) as const;

test('the tree goes from the service manager to the grandchild, with what each did', t => {
  const loader = process({ ancestors: [{ pid: 1, startTicks: 1, path: '/usr/lib/systemd/systemd' }] });
  const shell = child({ ancestors: [{ ...ref(), path: '/usr/bin/python3' }, { pid: 1, startTicks: 1, path: '/usr/lib/systemd/systemd' }] });
  const curl = process({ pid: 4_180, startTicks: 88_901, executable: { path: '/usr/bin/curl', file: null }, argv: ['curl', 'http://203.0.113.7/x'], ancestors: [{ pid: shell.pid, startTicks: shell.startTicks, path: '/usr/bin/dash' }] });
  const story = [
    event(mxnetCalled({ process: loader })), event(processExecuted({ at: noon + 2_100, process: shell })), event(processExecuted({ at: noon + 2_200, process: curl })),
    event(networkConnected({ at: noon + 2_500, process: curl })), event(processExited({ at: noon + 3_000, process: { pid: curl.pid, startTicks: curl.startTicks } })),
  ];
  t.deepEqual(processTree(incident({ loader, story })), [
    '/usr/lib/systemd/systemd [1]',
    '└─ /usr/bin/python3 serve.py [4121]  loaded +0.00 s',
    "   └─ /usr/bin/dash (as /bin/sh) -c id [4177]  ran +2.10 s",
    '      └─ /usr/bin/curl http://203.0.113.7/x [4180]  ran +2.20 s, reached 203.0.113.7 port 443 +2.50 s, ended +3.00 s',
  ]);
});

test('processes that call each other parents, and a process that is its own, are drawn once and end', t => {
  const one = process({ pid: 1_000, startTicks: 5, ancestors: [{ pid: 1_001, startTicks: 5, path: '/b' }] });
  const two = process({ pid: 1_001, startTicks: 5, ancestors: [{ pid: 1_000, startTicks: 5, path: '/a' }] });
  const own = process({ pid: 1_002, startTicks: 5, ancestors: [{ pid: 1_002, startTicks: 5, path: '/c' }] });
  const lines = processTree(incident({ loader: null, story: [one, two, own].map(each => event(processExecuted({ process: each }))) }));
  t.is(lines.length, 3);
});

test('hostile arguments cannot act on the terminal, and a crowd is cut and counted', t => {
  const evil = process({ argv: ['python3', '\u001b[2J\u202e\n'] });
  t.notRegex(processTree(incident({ loader: evil, story: [] })).join('\n'), /[\u001b\u202e]/);
  const crowd = Array.from({ length: 300 }, (_, index) => event(processExecuted({ process: child({ pid: 10_000 + index }) })));
  const lines = processTree(incident({ loader: process(), story: crowd }));
  t.true(lines.length <= 202);
  t.regex(lines.at(-1) ?? '', /and \d+ more processes/);
});
