import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { tethered } from '../../services/run.ts';
import { writeSparse } from '../../fixtures/hostile/sparse-file.ts';

const bin = new URL('../../../agent/mxwarden', import.meta.url).pathname;

/** Inspects it in a process of its own. MiB that were resident at most, as the kernel keeps them. */
async function inspect(path: string) {
  const [command, args] = tethered(bin, ['inspect', '--jobs', '1', '--timeout', '600000', '--format', 'json', path]);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  let stdout = '';
  child.stdout.on('data', piece => { stdout += String(piece); });
  let peak = 0;
  while (child.exitCode === null && child.signalCode === null) {
    // Gone in the meantime: the loop ends.
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1_024);
    await delay(20);
  }
  await ended;
  return { peak, result: JSON.parse(stdout) as { verdict: string; coverage: { parsed: number } } };
}

test('two gigabytes of parameters are read to the end in the memory that a few bytes take, and less than 150 MiB', async t => {
  t.timeout(600_000);
  const folder = await mkdtemp(join(tmpdir(), 'memory-'));
  const [small, large] = [join(folder, 'a-0000.params'), join(folder, 'b-0000.params')];
  writeSparse(small, 100);
  writeSparse(large, 2e9);
  const few = await inspect(small);
  const many = await inspect(large);
  t.deepEqual([few.result.verdict, many.result.verdict], ['clean', 'clean']);
  t.true(many.result.coverage.parsed > 2e9);
  t.true(few.peak > 50 && many.peak > 50, 'it was measured');
  t.true(many.peak < 150, `${many.peak} MiB`);
  t.true(many.peak - few.peak < 40, `${few.peak} MiB for 100 bytes, ${many.peak} MiB for 2 GB`);
});
