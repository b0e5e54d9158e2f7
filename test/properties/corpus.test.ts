import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { inspectBytes } from '../detectors/inspect-bytes.ts';
import { dice, mutate } from '../detectors/formats/symbol/mutations.ts';
import { specimens } from '../fixtures/hostile/corpus.ts';

const runs = Number(process.env['MXWARDEN_FUZZ_RUNS'] ?? 20_000);
/** Longer ones are mutated by the tests of their own formats. */
const longest = 20_000;
/** Those that have no property test of their own. */
const families = /\.json$|type\.txt$|\.ipynb$|requirements[^/]*\.txt$|\.pth$|\.sh$|\.md$|\.txt$|\.rb$|Makefile$|\.service$|\.mar$|\.py$/;

test('every hostile text, document and package, mutated, gets a verdict from the whole inspector, and is clean only when all of it was read', async t => {
  t.timeout(24 * 3_600_000);
  const seeds = specimens().filter(({ file, bytes }) => families.test(file) && bytes.length > 0 && bytes.length <= longest);
  t.true(seeds.length > 300, `${seeds.length} seeds`);
  const roll = dice(1_234);
  const verdicts = new Map<string, number>();
  for (let run = 0; run < runs; run++) {
    if (run % 1_000 === 0) await setImmediate();
    const { file, bytes, config } = seeds[roll(seeds.length)] ?? seeds[0] as (typeof seeds)[number];
    const { verdict, coverage } = inspectBytes(file, mutate(bytes, run), config);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    if (coverage.parsed > coverage.bytes || (verdict === 'clean' && (coverage.parsed < coverage.bytes || coverage.skipped.length > 0))) t.fail(`seed ${run} of ${file}: ${verdict}, ${coverage.parsed} of ${coverage.bytes}`);
  }
  t.log(Object.fromEntries(verdicts));
  t.pass();
});
