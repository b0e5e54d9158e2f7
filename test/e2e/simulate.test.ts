import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { mxnet } from '../services/mxnet.ts';
import { columnOf, coverageFile, mergeColumn, readCoverage, writeCoverage } from '../services/coverage.ts';
import { testWith } from '../services/require.ts';
import { run, tethered } from '../services/run.ts';
import { lines, type Scene, scene, startAgent, until } from './rig.ts';

const bin = join(import.meta.dirname, '../../agent/mxwarden');
const patience = ['--timeout', '60000'];

interface Line { readonly scenario?: string; readonly result?: string; readonly why?: string | null; readonly summary?: { readonly level: string; readonly actor: string } }

/** A temporary folder of the scene's own, so that what is left behind shows; its python3 has no MXNet. */
async function stage(at: Scene): Promise<Readonly<Record<string, string>>> {
  const [temporary, path] = [join(at.folder, 'tmp'), join(at.folder, 'path')];
  mkdirSync(temporary, { mode: 0o700 });
  mkdirSync(path);
  symlinkSync(realpathSync((await mxnet()).python), join(path, 'python3'));
  return { TMPDIR: temporary, PATH: `${path}:${process.env.PATH ?? ''}` };
}

const words = (at: Scene, ...more: readonly string[]): string[] => [bin, 'simulate', ...more, '--config', at.config, '--json'];

/** Nothing of it is in its folders, and no process of it is left. */
async function isClean(t: ExecutionContext, at: Scene, env: Readonly<Record<string, string>>): Promise<void> {
  t.deepEqual(readdirSync(env['TMPDIR'] ?? ''), []);
  t.deepEqual(readdirSync(at.models), []);
  const left = () => readdirSync('/proc').filter(name => /^\d+$/.test(name)).filter(pid => {
    try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${env['TMPDIR']}/mxwarden-simulate`); } catch { return false; /* It has ended. */ }
  });
  await until(() => left().length === 0, 60_000, () => `no process is left: ${left().join(' ')}`);
}

/** Everything acted is seen, or blind as the page says; on the kernel of the page exactly so. */
function agrees(t: ExecutionContext, printed: string) {
  const level = lines<Line>(printed).find(line => line.summary)?.summary?.level ?? 'none';
  const kernel = /^\d+\.\d+/.exec(release())?.[0] ?? '';
  const measured = columnOf(level, kernel, printed);
  t.deepEqual([...measured.results].filter(([, result]) => result !== 'seen' && result !== 'blind'), []);
  const page = readCoverage(readFileSync(coverageFile, 'utf8'));
  if (process.env.MXWARDEN_WRITE_DOCS === '1') { writeFileSync(coverageFile, writeCoverage(mergeColumn(page, measured))); return; }
  const stated = page.find(({ name }) => name === level);
  if (stated?.about !== measured.about) { t.log(`${level} on Linux ${kernel} is not what the page was written for (${stated?.about || 'nothing'})`); return; }
  t.deepEqual(Object.fromEntries(measured.results), Object.fromEntries(stated.results), 'docs/coverage.md is stale: MXWARDEN_WRITE_DOCS=1 writes it');
}

testWith.serial(['root', 'mxnet', 'bpf'], 'at the best level of this host a real MXNet acts, and everything is seen but what the sensors say they cannot see', async t => {
  t.timeout(900_000);
  await using at = await scene();
  const env = await stage(at);
  await using agent = await startAgent(at);
  const told = await run('sh', words(at, 'all', '--write-models', '--python', (await mxnet()).python, ...patience), { env, timeoutMs: 800_000 });
  t.is(told.code, 0, `${told.stdout}\n${told.stderr}\n${agent.stderr().slice(-4_000)}`);
  t.regex(lines<Line>(told.stdout).find(line => line.summary)?.summary?.actor ?? '', /^MXNet 1\.9\.1/);
  agrees(t, told.stdout);
  await isClean(t, at, env);
});

testWith.serial(['root', 'mxnet', 'tracefs'], 'at tracefs a stand-in acts, and everything is seen but what the sensors say they cannot see', async t => {
  t.timeout(900_000);
  const level = 'tracefs';
  await using at = await scene();
  writeFileSync(at.config, readFileSync(at.config, 'utf8').replace('collectors:', `collectors:\n  mxnet: { level: ${level} }\n  exec: { level: ${level} }\n  network: { level: ${level} }\n  system: { enabled: false }`));
  const env = await stage(at);
  await using agent = await startAgent(at);
  const told = await run('sh', words(at, 'all', '--write-models', ...patience), { env, timeoutMs: 800_000 });
  t.is(told.code, 0, `${told.stdout}\n${told.stderr}\n${agent.stderr().slice(-4_000)}`);
  t.is(lines<Line>(told.stdout).find(line => line.summary)?.summary?.actor, 'a stand-in');
  agrees(t, told.stdout);
  await isClean(t, at, env);
});

testWith.serial(['root', 'mxnet', 'tracefs'], 'what a detector that is switched off does not say is a miss; an interrupted simulation leaves nothing behind', async t => {
  t.timeout(300_000);
  await using at = await scene({ detectors: { child: { enabled: false } } });
  const env = await stage(at);
  await using agent = await startAgent(at);
  const missed = await run('sh', words(at, 'shell', 'new-destination', '--timeout', '30000'), { env, timeoutMs: 200_000 });
  t.is(missed.code, 1, `${missed.stderr}\n${agent.stderr().slice(-2_000)}`);
  const [shell, destination] = lines<Line>(missed.stdout);
  t.like(shell, { scenario: 'shell', result: 'missed', why: 'the detector child is switched off' });
  t.like(destination, { scenario: 'new-destination', result: 'seen' });
  await isClean(t, at, env);

  const child = spawn(...tethered('sh', words(at, 'new-destination', 'beacon')), { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  await until(() => stdout.includes('new-destination'), 120_000, 'the first act is over, and the long one begins');
  child.kill('SIGINT');
  t.is((await exited)[0], 2);
  await isClean(t, at, env);
});

testWith(['root', 'mxnet'], 'without an agent, with a Python that has no MXNet, or in an unsafe folder, nothing is acted and it is said why', async t => {
  await using at = await scene();
  const env = await stage(at);
  const alone = await run('sh', words(at, 'shell'), { env });
  t.is(alone.code, 69);
  t.regex(alone.stderr, /no agent answers .*\n.*start it by mxwarden run/);
  await using _ = await startAgent(at);
  const other = await run('sh', words(at, 'shell', '--python', join(at.folder, 'path/python3')), { env });
  t.is(other.code, 69);
  t.regex(other.stderr, /cannot act: ModuleNotFoundError/);
  const unsafe = join(at.folder, 'unsafe');
  mkdirSync(unsafe);
  await run('chmod', ['777', unsafe]);
  const refused = await run('sh', words(at, 'shell'), { env: { ...env, TMPDIR: unsafe } });
  t.is(refused.code, 69);
  t.regex(refused.stderr, /is not safe/);
  t.deepEqual(readdirSync(unsafe), []);
  const unknown = await run('sh', words(at, 'nonsense'), { env });
  t.is(unknown.code, 64);
  const unasked = await run('sh', words(at, 'models-sent'), { env });
  t.is(unasked.code, 64);
  t.regex(unasked.stderr, /--write-models/);
  await isClean(t, at, env);
});
