import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { parseCheckpoint } from '../../agent/audit/checkpoint.ts';
import { openTrail } from '../../agent/audit/trail.ts';
import { verifyTrail } from '../../agent/audit/verify-trail.ts';
import { faults, filesOf, numbers, type Place, place, put, record, records, written } from '../agent/audit/trails.ts';

const range = (to: number): number[] => Array.from({ length: to }, (_, index) => index);

/** A trail on a copy; gone when disposed of. */
function copyOf(at: Place): Place & Disposable {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'mxwarden-audit-'));
  cpSync(at.directory, join(root, 'audit'), { recursive: true });
  return { ...at, directory: join(root, 'audit'), [Symbol.dispose]() { rmSync(root, { recursive: true, force: true }); } };
}

/** Numbers of the records of one epoch's files alone. */
function kept(at: Place): number[] {
  try { return numbers(at); } catch { return []; }
}

test('the trail cut at any byte of any of its files: what is whole stays, nothing is invented, nothing crashes, and damage is told', t => {
  t.timeout(120_000);
  const at = place(t);
  written(at, 256, 1);
  { using trail = openTrail(at); put(trail, records(257, 2)); }
  const signed = parseCheckpoint(readFileSync(join(at.directory, '1/checkpoint'))).size;
  using copy = copyOf(at);
  for (const [file, whole] of filesOf(at.directory)) {
    const step = file.startsWith('pending/') ? 1 : 251;
    for (let length = whole.length - 1; length >= 0; length -= length > whole.length - 8 || length < 8 ? 1 : step) {
      rmSync(copy.directory, { recursive: true });
      cpSync(at.directory, copy.directory, { recursive: true });
      truncateSync(join(copy.directory, '1', file), length);
      using trail = openTrail(copy);
      const broken = trail.takeBroken();
      put(trail, [record(1_000_000)]);
      trail.sign(false);
      const place = `${file} cut to ${length}`;
      if (file === 'tile/entries/000' || file === 'vkey' || file.startsWith('checkpoints/')) {
        // Not read at the start; `verify` names it.
        t.is(faults(copy)[0]?.split(':')[1], ` ${file}`, place);
      } else if (trail.epoch === 1) {
        const found = kept(copy).slice(0, -1);
        t.deepEqual(found, range(found.length), place);
        t.true(found.length + 1 >= signed, place);
        t.is(broken.length, 0, place);
        // Only what no checkpoint covers can have been cut without a word; the whole lines of it are there.
        if (file.startsWith('pending/')) t.is(found.length, 256 + readFileSync(join(at.directory, '1', file)).subarray(0, length).toString().split('\n').length - 2, place);
      } else {
        t.is(broken.length, 1, place);
        t.deepEqual(faults(copy).filter(fault => fault.startsWith('2: ')), [], place);
      }
    }
  }
});

/** What the trail promises, in a list. */
test('any history of appends, checkpoints, restarts and torn ends reads back as what was acknowledged', t => {
  t.timeout(120_000);
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 600 })) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('sign' as const), keep: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('tear' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) }) },
  );
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 14 }), steps => {
    const at = place(t);
    let count = 0;
    let trail = openTrail(at);
    try {
      for (const one of steps) {
        if (one.do === 'append') { put(trail, records(count, one.count)); count += one.count; }
        else if (one.do === 'sign') trail.sign(one.keep);
        else {
          trail[Symbol.dispose]();
          if (one.do === 'tear') {
            const file = join(at.directory, `1/pending/${Math.floor((count + 1) / 256)}.jsonl`);
            if (existsSync(file)) writeFileSync(file, one.bytes.filter(byte => byte !== 10), { flag: 'a' });
          }
          trail = openTrail(at);
        }
        if (trail.size !== count + 1 || trail.takeBroken().length > 0) return false;
      }
      trail.sign(false);
      const [report] = verifyTrail(at.directory, []);
      return report?.faults.length === 0 && report.signed === count + 1 && numbers(at).join() === range(count).join();
    } finally { trail[Symbol.dispose](); }
  }), { numRuns: 40 });
  t.pass();
});
