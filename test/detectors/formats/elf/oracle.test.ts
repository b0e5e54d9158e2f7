import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { elf } from '../../../../detectors/formats/elf/elf.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { honestElves, hostileElves } from '../../../fixtures/hostile/elf.ts';
import { libraryImage } from '../../../fixtures/hostile/elf-image.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';

const folder = mkdtempSync(join(tmpdir(), 'mxwarden-elf-oracle-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const inspect = (bytes: Uint8Array) => inspectSource('a.so', sourceOf(bytes), [elf]);

/** How the real loader ends with each: `loaded`, `refused …` or `ended by …`. */
async function load(t: ExecutionContext, name: string, files: readonly Uint8Array[]): Promise<readonly string[]> {
  const paths = files.map((bytes, index) => {
    const path = join(folder, `${name}-${index}.so`);
    writeFileSync(path, bytes);
    return path;
  });
  const { stdout, stderr } = await runPython({ file: join(import.meta.dirname, 'dlopen.py') }, { input: paths.map(path => `${JSON.stringify(path)}\n`).join(''), timeoutMs: 110_000 });
  const ends = stdout.trim().split('\n').map(line => JSON.parse(line) as string);
  t.is(ends.length, files.length, stderr);
  return ends;
}

testWith(['mxnet'], 'the real loader loads the honest images of this machine', async t => {
  if (process.arch !== 'x64') { t.pass(); return; }
  const own = honestElves.filter(([name]) => name === 'x86-64' || name === 'with a constructor' || name === 'an operator library').map(([, bytes]) => bytes);
  t.deepEqual(await load(t, 'honest', own), own.map(() => 'loaded'));
});

testWith(['mxnet'], 'what the real loader refuses or dies of is never clean, among the hostile libraries', async t => {
  const ends = await load(t, 'hostile', hostileElves.map(({ bytes }) => bytes));
  hostileElves.forEach(({ name, bytes }, index) => {
    t.log(ends[index]?.slice(0, 60), inspect(bytes).verdict, name);
    t.not(inspect(bytes).verdict, 'clean', name);
  });
});

/** Deterministic, so that a failure comes again. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return sides => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor(state / 2 ** 32 * sides);
  };
}

testWith(['mxnet'], 'what the real loader refuses or dies of is never clean, among changed honest libraries', async t => {
  const seeds = [{ constructors: ['code'] }, { constructors: ['code', 'code'], imports: ['malloc'], needed: ['libc.so.6'], soname: 'libx.so' }, {}] as const;
  const built = seeds.map(options => libraryImage(options));
  const roll = dice(20_260_101);
  const changed = Array.from({ length: 400 }, (_, number) => {
    const { bytes, at } = built[number % built.length] ?? libraryImage();
    const mutant = Uint8Array.from(bytes);
    // What code does and whether names exist elsewhere is not seen in a file.
    const isBlind = (place: number) => (place >= at.code && place < at.code + 2) || (place >= at.names && place < at.relocations);
    for (let left = 1 + roll(2); left > 0;) {
      const place = roll(roll(2) === 0 ? mutant.length : at.symbols);
      if (isBlind(place)) continue;
      mutant[place] = [roll(256), 0, 255, (mutant[place] ?? 0) + 1, (mutant[place] ?? 0) ^ 0x80][roll(5)] ?? 0;
      left -= 1;
    }
    return mutant;
  });
  const table = new Map<string, number>();
  (await load(t, 'changed', changed)).forEach((end, index) => {
    const { verdict } = inspect(changed[index] ?? new Uint8Array());
    // A library for another processor is a good library there.
    const foreign = (changed[index] ?? [])[18] !== 62 || (changed[index] ?? [])[19] !== 0;
    const key = `${end === 'loaded' ? 'loaded' : end.startsWith('refused') ? 'refused' : 'died'}, ${verdict}`;
    table.set(key, (table.get(key) ?? 0) + 1);
    if (end !== 'loaded' && !foreign) t.not(verdict, 'clean', `${index}: ${end}`);
  });
  for (const [key, count] of [...table].sort()) t.log(key, count);
  t.true((table.get('loaded, clean') ?? 0) > 50);
});
