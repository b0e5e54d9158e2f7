import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { openTrail } from '../../../agent/audit/trail.ts';
import { tethered } from '../../services/run.ts';
import { faults, numbers, type Place, place, put, record } from './trails.ts';

const appender = fileURLToPath(new URL('../../fixtures/audit-appender.ts', import.meta.url));
const rounds = 30;

interface Life { readonly acknowledged: number; readonly signed: number; readonly said: string }

/** Lets another process append, and kills it after a while of its writing. */
async function killed({ directory, keyFile }: Place, from: number, round: number): Promise<Life> {
  const child = spawn(...tethered(process.execPath, [appender, directory, keyFile, String(from), String(round + 1)]), { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { said += text; });
  const ended = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), ended]);
  await delay((round * 7) % 60);
  child.kill('SIGKILL');
  await ended;
  const last = (lines: readonly string[], otherwise: number) => Number(lines.at(-1) ?? otherwise);
  return { acknowledged: last(said.match(/^\d+$/gm) ?? [], from), signed: last([...said.matchAll(/^signed (\d+)$/gm)].map(found => found[1] ?? ''), 0), said };
}

test(`a writer killed at any moment, ${rounds} times, loses nothing that it acknowledged and leaves a sound trail`, async t => {
  t.timeout(120_000);
  const at = place(t);
  let written = 0;
  for (let round = 0; round < rounds; round++) {
    const { acknowledged, signed, said } = await killed(at, written, round);
    t.notRegex(said, /broken/, `round ${round}`);
    t.deepEqual(faults(at).filter(fault => !fault.includes('is not whole')), [], `round ${round}`);
    const found = numbers(at);
    t.deepEqual(found, Array.from({ length: found.length }, (_, index) => index), `round ${round}: in order, nothing twice`);
    t.true(found.length >= acknowledged, `round ${round}: ${found.length} of ${acknowledged}`);
    t.true(found.length + 1 >= signed);
    written = found.length;
  }
  using trail = openTrail(at);
  t.deepEqual(trail.takeBroken(), []);
  put(trail, [record(written)]);
  trail.sign(false);
  t.deepEqual(faults(at), []);
  t.true(written > rounds);
});
