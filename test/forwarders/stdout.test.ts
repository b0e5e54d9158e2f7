import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { detectionFinding } from '../../forwarders/encode/ocsf-schema.ts';
import { t0 } from './builders.ts';

const harness = join(import.meta.dirname, 'stdout-harness.ts');
const start = (format: string, env: Record<string, string> = {}) =>
  spawn(process.execPath, [harness, format], { stdio: 'pipe', env: { PATH: process.env.PATH, ...env } });

test('a program gets one OCSF object a line', async t => {
  const child = start('auto');
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const lines = out.trimEnd().split('\n').map(line => JSON.parse(line));
  t.deepEqual(lines.slice(0, 3).map(line => detectionFinding.parse(line).metadata.uid), ['env-1', 'env-2', 'env-3']);
  t.like(lines[3], { class_uid: 6002, metadata: { uid: 'beat-1' } });
});

test('people get the title, the story, the gaps; of an update only what is new, and no heartbeats', async t => {
  const child = start('text');
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  t.deepEqual(out.split('\n'), [
    ` MEDIUM  first  ${new Date(t0 + 2_310).toISOString()} i-7f3a`,
    '   +0.00 s  loaded   /srv/m-0000.params (MXNDArrayLoad, ok, 12 ms) by python3 serve.py [4121]',
    '      gap:  writes of other processes are seen only by inotify: who wrote is a guess',
    out.split('\n')[3] ?? '',
    '   +2.10 s  ran      /bin/sh -c id [4177]',
    '   +2.10 s  flagged  high child.shell: python3 ran /bin/sh 2.1 s after it loaded /srv/m-0000.params',
    out.split('\n')[6] ?? '',
    '',
  ]);
  t.regex(out.split('\n')[3] ?? '', /^ CRITICAL {2}python3 \(pid 4121\) loaded .* i-7f3a updated$/);
  t.regex(out.split('\n')[6] ?? '', /^ CRITICAL {2}a\\x1b\[2Jb .* i-7f3a closed$/);
});

test('colour is for terminals only, or where it is forced; NO_COLOR wins', async t => {
  const outputs = await Promise.all([{ FORCE_COLOR: '1' }, { NO_COLOR: '1' }, {}].map(async env => text(start('text', env as Record<string, string>).stdout)));
  t.deepEqual(outputs.map(out => out.includes('\u001b[')), [true, false, false]);
  t.false((outputs[0] ?? '').includes('\u001b[2J'));
});

test('a reader that goes away does not end the agent, and what it did not read is kept', async t => {
  const child = start('json');
  let said = '';
  const heard = async (words: string): Promise<void> => { while (!said.includes(words)) said += String((await once(child.stderr, 'data'))[0]); };
  await once(child.stdout, 'data');
  child.stdout.destroy();
  await Promise.all([once(child.stdout, 'close'), heard('sent env-1')]);
  child.stdin.write('on\n');
  await heard('RetryableError');
  child.stdin.write('on\n');
  const ended = once(child, 'exit');
  await heard('alive');
  t.is((await ended)[0], 0);
  t.regex(said, /^sent env-1\nRetryableError .*\nRetryableError .*nobody reads standard output any more.*\nalive\n$/);
});
