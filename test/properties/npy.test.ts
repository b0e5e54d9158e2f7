import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { inspectSource } from '../../detectors/formats/dispatch.ts';
import { npy } from '../../detectors/formats/npy/npy.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { hostileNpy, npyFile, usual } from '../fixtures/hostile/npy.ts';
import { join } from '../fixtures/hostile/ndarray.ts';

const runs = Number(process.env.MXWARDEN_FUZZ_RUNS ?? 20_000);
const corpus = [npyFile(), npyFile({ version: [2, 0] }), npyFile({ version: [3, 0] }), ...hostileNpy.map(({ bytes }) => bytes)];

function holds(bytes: Uint8Array): boolean {
  const { verdict, coverage, observations } = inspectSource('f', sourceOf(bytes), [npy]);
  return verdict !== 'clean' || (coverage.parsed === bytes.length && observations.every(({ severity }) => severity === 'info'));
}

test('changed arrays are read within bounds, and are clean only when read to the end', async t => {
  t.timeout(600_000);
  await setImmediate();
  const change = fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.constantFrom('set', 'cut', 'put'), fc.uint8Array({ minLength: 1, maxLength: 8 }));
  t.notThrows(() => fc.assert(fc.property(fc.constantFrom(...corpus), fc.array(change, { minLength: 1, maxLength: 3 }), (bytes, changes) => holds(changes.reduce((changed, [share, kind, more]) => {
    const at = Math.floor(share * changed.length);
    if (kind === 'cut') return changed.slice(0, at);
    return join(changed.slice(0, at), more, changed.slice(kind === 'set' ? at + more.length : at));
  }, bytes))), { numRuns: Math.ceil(runs * 0.6) }));
});

test('headers of any words are read within bounds', async t => {
  t.timeout(600_000);
  await setImmediate();
  const word = fc.constantFrom('{', '}', '(', ')', '[', ']', ',', ':', ' ', '\'descr\'', '\'<f4\'', '\'|O\'', '\'fortran_order\'', 'True', 'False', '\'shape\'', '2', '-1', '99999999999', '3L', '\'', '\\', 'None', usual);
  t.notThrows(() => fc.assert(fc.property(fc.array(word, { maxLength: 40 }), words => holds(npyFile({ header: words.join('') }))), { numRuns: Math.ceil(runs * 0.4) }));
});
