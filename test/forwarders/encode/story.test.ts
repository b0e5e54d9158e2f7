import test from 'ava';
import fc from 'fast-check';
import { escapeText } from '../../../agent/contract/text.ts';
import { storyLines } from '../../../forwarders/encode/story.ts';
import { sinceText } from '../../../forwarders/encode/words.ts';
import { fileAccessed, fileChanged } from '../../builders.ts';
import { incident, loaded, ran, server, told } from '../builders.ts';
import { incidents } from './arbitraries.ts';

test('the story tells in order who wrote, what was found, who loaded, and what followed, with time from the load', t => {
  t.deepEqual(storyLines(incident()), [
    '    -3.0 d  written  /srv/m-0000.params (97.7 MiB) by curl -o m-0000.params [900]',
    '    -3.0 d  examined /srv/m-0000.params: mxnet-params, suspicious, sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    '   +0.00 s  loaded   /srv/m-0000.params (MXNDArrayLoad, ok, 12 ms) by python3 serve.py [4121]',
    '   +2.10 s  ran      /bin/sh -c id [4177]',
    '   +2.10 s  flagged  high child.shell: python3 ran /bin/sh 2.1 s after it loaded /srv/m-0000.params',
    '   +2.30 s  reached  tcp 198.51.100.7 port 4444 by python3 serve.py [4121]',
    '   +2.30 s  flagged  medium network.first-address: python3 connected to 198.51.100.7 port 4444, never used before',
  ]);
});

test('who was gone before it could be looked at is told by its pid, and who opened without loading is told as that', t => {
  const lines = storyLines(incident({ story: told(fileChanged({ by: null, gone: 4_711 }), fileChanged({ by: null }), fileAccessed(), fileAccessed({ by: null, gone: 4_712 })) }));
  t.regex(lines[0] ?? '', /written {2}.* by a process that was gone at once \[4711\]$/);
  t.regex(lines[1] ?? '', / by an unknown process$/);
  t.regex(lines[2] ?? '', /accessed \/etc\/shadow by python3 serve\.py \[4121\]$/);
  t.regex(lines[3] ?? '', /accessed \/etc\/shadow by a process that was gone at once \[4712\]$/);
});

test('a program that calls itself something else is told by its true name, the claim beside it', t => {
  const [line] = storyLines(incident({ story: told({ ...ran, process: server({ executable: { path: '/tmp/x', file: null }, argv: ['[kworker/0:1]', '-c'] }) }) }));
  t.is(line, '   +0.00 s  ran      /tmp/x (as [kworker/0:1]) -c [4121]');
});

test('arguments with spaces read as the one argument they are', t => {
  const [line] = storyLines(incident({ story: told({ ...ran, process: server({ argv: ['python3', '-c', 'import os; os.system("id")', ''] }) }) }));
  t.is(line, `   +0.00 s  ran      /usr/bin/python3.11 -c 'import os; os.system("id")' '' [4121]`);
});

test('a crash names the signal, a load from memory its size, an unread argument the reason', t => {
  const lines = storyLines(incident({ story: told(
    { ...loaded, outcome: 'crashed', signal: 'SIGSEGV' }, { ...loaded, argument: { type: 'buffer', bytes: 2_048 } }, { ...loaded, argument: { type: 'unread', why: 'the page was not there' } }) }));
  t.regex(lines[0] ?? '', /crashed {2}\/srv\/m-0000\.params \(MXNDArrayLoad, crashed, SIGSEGV, 12 ms\)/);
  t.regex(lines[1] ?? '', /loaded {3}2\.0 KiB from memory/);
  t.regex(lines[2] ?? '', /an argument that could not be read: the page was not there/);
});

test('times read in the unit that keeps them short', t => {
  t.deepEqual([0, 2_100, -1, 130_000, 7_300_000, -259_200_000].map(sinceText), ['+0.00 s', '+2.10 s', '-0.00 s', '+2.2 min', '+2.0 h', '-3.0 d']);
});

test('no incident makes a line longer than 400 characters or one that acts on a terminal', t => {
  fc.assert(fc.property(incidents(40), made => {
    const lines = storyLines(made);
    return lines.length === made.story.length && lines.every(line => line.length <= 400 && escapeText(line) === line);
  }), { numRuns: 200 });
  t.pass();
});
