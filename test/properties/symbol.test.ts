import test from 'ava';
import fc from 'fast-check';
import { inspectSource, usualLimits } from '../../detectors/formats/dispatch.ts';
import type { Format } from '../../detectors/formats/format.ts';
import { json } from '../../detectors/formats/json/json.ts';
import { sourceOf } from '../../detectors/formats/source.ts';
import { symbolFacts } from '../../detectors/formats/symbol/facts.ts';
import { symbol } from '../../detectors/formats/symbol/symbol.ts';
import { crossCheck } from '../../detectors/model/cross-check.ts';
import { mutate } from '../detectors/formats/symbol/mutations.ts';
import { hostileGluonts } from '../fixtures/hostile/gluonts.ts';
import { dense, document, graph, hostileSymbols, node, plain, variable } from '../fixtures/hostile/symbol.ts';

/** In all, for symbols and JSON together. */
const runs = Number(process.env.MXWARDEN_FUZZ_RUNS ?? 20_000);

const looped = document([variable(), variable('state'), node('_foreach', { num_args: '3', num_outputs: '2', num_out_data: '1', in_state_locs: '(1,)', in_data_locs: '(0,)', remain_locs: '()' }, [0, 1],
  { subgraphs: [graph([variable('x'), variable('s'), node('elemwise_add', {}, [0, 1])])] })]);
const honest = [plain, looped, document([variable(), variable('w', { attrs: { __init__: '["xavier", {"magnitude": 2}]', __shape__: '(4, 0)' } }), variable('b'), dense(), node('topk', { k: '2', ret_typ: 'both' }, [3])])]
  .flatMap(each => [JSON.stringify(each), JSON.stringify(each, null, 2)]).map(each => Buffer.from(each));
const small = (bytes: Uint8Array): boolean => bytes.length < 20_000;

/** Only what an inspection may do: no error but its own, work in proportion to the bytes, clean only to the last byte. */
function behaves(format: Format, bytes: Uint8Array) {
  let looks = 0;
  const found = inspectSource('x', sourceOf(bytes), [{ ...format, fits: () => true }], usualLimits, { now: () => { looks += 1; return 0; } });
  if (looks > 10 + bytes.length) throw new Error(`${looks} thousand units of work for ${bytes.length} bytes`);
  if (found.verdict === 'clean' && found.coverage.parsed !== bytes.length) throw new Error('clean, but not read to its end');
  for (const { summary } of found.observations) if (/[\u0000-\u001f\u202e\u2066]/.test(summary)) throw new Error(`unescaped: ${JSON.stringify(summary)}`);
}

const check = (share: number, body: (seed: number, random: Uint8Array) => void) => {
  fc.assert(fc.property(fc.nat(), fc.uint8Array({ maxLength: 300 }), body), { numRuns: Math.max(1, Math.round(runs * share)) });
};

test('a mutated honest symbol only ever gets a verdict', t => {
  check(0.4, seed => { behaves(symbol, mutate(honest[seed % honest.length] ?? Buffer.alloc(0), seed)); });
  t.pass();
});

test('a mutated hostile symbol only ever gets a verdict', t => {
  const hostile = hostileSymbols().map(({ bytes }) => bytes).filter(small);
  check(0.2, seed => { behaves(symbol, mutate(hostile[seed % hostile.length] ?? Buffer.alloc(0), seed)); });
  t.pass();
});

test('random bytes, alone or behind the beginning of a symbol, only ever get a verdict', t => {
  check(0.1, (seed, random) => { behaves(symbol, seed % 2 === 0 ? random : Buffer.concat([Buffer.from('{"nodes":[{"op":"'), random])); });
  t.pass();
});

test('mutated JSON only ever gets a verdict', t => {
  const documents = hostileGluonts().map(({ bytes }) => bytes).filter(small);
  check(0.2, (seed, random) => { behaves(json, seed % 4 === 0 ? random : mutate(documents[seed % documents.length] ?? Buffer.alloc(0), seed)); });
  t.pass();
});

test('facts and cross-checks of mutated symbols never throw', t => {
  check(0.1, seed => {
    const facts = symbolFacts(sourceOf(mutate(honest[seed % honest.length] ?? Buffer.alloc(0), seed)));
    crossCheck({ symbol: facts, params: [{ name: 'arg:w', shape: [seed % 7, -1, 2 ** 40], dtype: 'float32', bytes: seed }], states: { keys: [seed, 'w'] } });
  });
  t.pass();
});

test('every JSON that JavaScript writes is read to its end and clean', t => {
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), text => {
    const bytes = Buffer.from(text);
    const found = inspectSource('x.json', sourceOf(bytes), [{ ...json, fits: () => true }]);
    return found.coverage.parsed === bytes.length && (found.verdict === 'clean' || found.observations.some(({ rule }) => rule.startsWith('gluonts.') || rule === 'json.pickled-object'));
  }), { numRuns: Math.min(500, runs) });
  t.pass();
});
