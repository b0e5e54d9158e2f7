import { join } from 'node:path';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { symbolFacts } from '../../../../detectors/formats/symbol/facts.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';
import { above, folder, inspect, written } from './workshop.ts';

const parts = {
  zoo: 'networks of the model zoo', gluons: 'gluon layers of each kind, exported and imported again', flow: 'loops and conditions',
  symbols: 'symbols, recurrent cells, unusual names and initializers', bucketing: 'bucketing modules', quantised: 'fused and quantised networks', numpys: 'networks in np mode',
};
const fewest = { zoo: 10, gluons: 8, flow: 4, symbols: 15, bucketing: 1, quantised: 5, numpys: 1 };
/** Later and earlier releases write the same; what the number changes is only the upgrade while loading. */
const versions = ['10900', '10500', '10200', '20000'];

for (const part of Object.keys(parts) as (keyof typeof parts)[]) {
  testWith(['mxnet'], `${parts[part]} are clean as MXNet writes them and with other versions`, async t => {
    using place = folder();
    const files = await written(part, place.path);
    t.true(files.length >= fewest[part], `${files.length} files`);
    for (const { name, bytes } of files) {
      const found = inspect(bytes, {}, name);
      t.deepEqual(above(found), [], name);
      t.is(found.verdict, 'clean', name);
      t.is(found.coverage.parsed, bytes.length, name);
      for (const version of versions) {
        const text = bytes.toString();
        const edited = text.replace(/"mxnet_version": \["int", 10901\]/, `"mxnet_version": ["int", ${version}]`);
        t.not(edited, text, name);
        t.deepEqual(above(inspect(Buffer.from(edited))), [], `${name} as ${version}`);
      }
    }
  });
}

testWith(['mxnet'], 'arguments and auxiliary states are those that MXNet lists', async t => {
  using place = folder();
  for (const part of ['gluons', 'symbols', 'quantised']) {
    const files = await written(part, place.path);
    const program = `import sys, json, mxnet as mx\nfor p in sys.stdin.read().split('\\n'):\n    s = mx.sym.load(p)\n    print(json.dumps([sorted(s.list_arguments()), sorted(s.list_auxiliary_states())]))`;
    const { stdout } = await runPython(program, { input: files.map(({ name }) => join(place.path, name)).join('\n'), env: { OMP_NUM_THREADS: '1' } });
    const lists = stdout.trim().split('\n').map(line => JSON.parse(line) as unknown);
    t.deepEqual(files.map(({ bytes }) => {
      const facts = symbolFacts(sourceOf(bytes));
      return [facts?.arguments.map(({ name }) => name).sort(), facts?.auxiliaries.map(({ name }) => name).sort()];
    }), lists);
  }
});
