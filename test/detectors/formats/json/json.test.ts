import test from 'ava';
import type { Inspection } from '../../../../agent/contract/inspection.ts';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { json } from '../../../../detectors/formats/json/json.ts';
import { gluontsType } from '../../../../detectors/formats/json/type-file.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostileGluonts, hostilePredictors } from '../../../fixtures/hostile/gluonts.ts';
import { inspectBytes } from '../../inspect-bytes.ts';
import { plain } from '../../../fixtures/hostile/symbol.ts';

const inspect = (content: string | Uint8Array, name = 'parameters.json'): Inspection => inspectSource(name, sourceOf(typeof content === 'string' ? Buffer.from(content) : content), [json, gluontsType]);
const told = ({ observations }: Inspection): string => observations.map(({ rule, summary }) => `${rule}: ${summary}`).join('\n');

for (const { name, bytes, expect, rule } of hostileGluonts()) {
  test(`${name} is ${expect}`, t => {
    const found = inspect(bytes);
    t.is(found.verdict, expect, told(found));
    t.true(found.observations.some(each => each.rule === rule), told(found));
  });
}

const instance = (path: string, args: readonly unknown[] = [], kwargs: object = {}) => ({ __kind__: 'instance', class: path, args, kwargs });

test('a predictor as GluonTS writes it is clean', t => {
  const parameters = {
    batch_size: 32, freq: 'H', lead_time: 0, prediction_length: 24, ctx: instance('mxnet.context.Context', ['cpu', 0]),
    dtype: { __kind__: 'type', class: 'numpy.float32' }, output_transform: null, input_names: ['feat', 'past'], empty: [], scale: [0.5, -1e-3, 1e10],
    forecast_generator: instance('gluonts.mx.model.forecast_generator.SampleForecastGenerator'),
    input_transform: instance('gluonts.transform._base.Chain', [], {
      transformations: [
        instance('gluonts.transform.field.RemoveFields', [], { field_names: ['a'] }),
        instance('gluonts.transform.feature.AddTimeFeatures', [], { time_features: [{ __kind__: 'type', class: 'gluonts.time_feature._base.hour_of_day' }], start: instance('pandas._libs.tslibs.timestamps.Timestamp', ['2020-01-01']) }),
        instance('gluonts.transform.convert.AsNumpyArray', [], { dtype: instance('numpy.dtype', ['float32']), shape: instance('builtins.tuple', [[1, 2]]) }),
      ],
    }),
    offset: instance('pandas.tseries.frequencies.to_offset', ['D']), anchored: instance('pandas.tseries.offsets.MonthEnd', [1]),
    values: instance('mxnet.nd.array', [[[1, 2]]], { dtype: 'float32' }), missing: Number.NaN,
  };
  const text = JSON.stringify(parameters, null, 2);
  for (const content of [text, text.replace('"missing": null', '"missing": NaN'), '{"gluonts": "0.8.1", "model": {"version": 1}}', '[]', '  {}\n']) {
    const found = inspect(content);
    t.is(found.verdict, 'clean', told(found));
    t.is(found.coverage.parsed, Buffer.byteLength(content));
  }
});

test('a symbol is not taken for plain JSON, whatever its name', t => {
  t.false(json.fits({ name: 'x.json', size: 500, head: Buffer.from(JSON.stringify(plain)), tail: Buffer.alloc(0) }));
});

test('configuration that begins with brackets is not taken for JSON', t => {
  for (const [name, content] of [['x.ini', '[global]\nindex-url = x'], ['x.txt', '{{ template }}'], ['x.py', '[x for x in y]']] as const) {
    t.false(json.fits({ name, size: content.length, head: Buffer.from(content), tail: Buffer.alloc(0) }), name);
  }
  t.true(json.fits({ name: 'x', size: 9, head: Buffer.from('{"a": 1}'), tail: Buffer.alloc(0) }));
});

test('type.txt names a predictor of the library, or is malicious', t => {
  t.is(inspect('gluonts.mx.model.predictor.RepresentableBlockPredictor\n', 'type.txt').verdict, 'clean');
  t.is(inspect('os.system', 'type.txt').verdict, 'malicious');
  t.is(inspect('gluonts.core.serde.os.system', 'type.txt').verdict, 'malicious');
});

test('a finding tells the JSON pointer, escaped as RFC 6901 says', t => {
  const { observations } = inspect(JSON.stringify({ 'a/b~': [0, instance('os.system')] }));
  t.is(observations[0]?.where?.pointer, '/a~1b~0/1');
});

for (const { name, file, bytes, expect, rule } of hostilePredictors) {
  test(`${name} is ${expect}`, t => {
    const { verdict, observations } = inspectBytes(file, bytes);
    t.is(verdict, expect, JSON.stringify(observations));
    t.true(observations.some(observation => observation.rule === rule), JSON.stringify(observations));
  });
}

test('the type of an honest predictor, and its settings, are clean', t => {
  for (const path of ['gluonts.mx.model.predictor.RepresentableBlockPredictor', 'gluonts.model.seasonal_naive._predictor.SeasonalNaivePredictor\n', 'mxnet.gluon.nn.basic_layers.Dense']) t.is(inspectBytes('type.txt', Buffer.from(path)).verdict, 'clean', path);
  t.is(inspectBytes('gluonts-config.json', Buffer.from('{"model":"gluonts.mx.model.deepar.DeepAREstimator","freq":"D"}')).verdict, 'clean');
});

const fileOf = (content: string, file: string): Inspection => inspectBytes(file, Buffer.from(content));
const rulesOf = ({ observations }: Inspection) => observations.map(({ rule }) => rule);

test('the keys of a symbol behind another one are told, wherever they stand, and other graphs are not', t => {
  const { nodes, ...rest } = plain;
  const odd = fileOf(JSON.stringify({ comment: 'x'.repeat(10_000), nodes, more: [], ...rest }), 'a.json');
  t.deepEqual([odd.verdict, ...rulesOf(odd)], ['suspicious', 'json.symbol']);
  for (const other of [{ name: 'a', nodes, edges: [] }, { graph: plain }, [plain], { name: 'a', heads: [], arg_nodes: [] }]) t.is(fileOf(JSON.stringify(other), 'a.json').verdict, 'clean', JSON.stringify(other).slice(0, 40));
});

test('blanks alone are a text, and blanks in front of a symbol change nothing', t => {
  const blanks = ' \n'.repeat(5_000);
  t.deepEqual([fileOf(blanks, 'a.txt').format, fileOf(blanks, 'notes').format, fileOf(blanks, 'a.params').format], ['text', 'text', 'text']);
  for (const file of ['net-symbol.json', 'model.bin']) {
    const found = fileOf(`${blanks}${JSON.stringify(plain)}`, file);
    t.deepEqual([found.format, rulesOf(found).filter(rule => rule.startsWith('kind.'))], ['symbol-json', []]);
  }
  const binary = inspectBytes('a.params', Buffer.concat([Buffer.from(blanks), Buffer.from('\x7fELF\x02\x01\x01')]));
  t.not(binary.format, 'elf', 'a program is one only from its first byte on');
});
