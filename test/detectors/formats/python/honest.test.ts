import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../../../detectors/formats/list.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { mxnet } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';
import { honestHandlers } from './handlers.ts';

const formats = formatsFor({ customAllow: [] });
const inspect = (name: string, bytes: Uint8Array) => inspectSource(name, sourceOf(bytes), formats);

for (const [name, source] of Object.entries(honestHandlers)) {
  test(`the honest ${name} is clean to its last byte`, t => {
    const { format, verdict, observations, coverage } = inspect(name, Buffer.from(source));
    t.is(format, 'python');
    t.is(verdict, 'clean', JSON.stringify(observations));
    t.is(coverage.parsed, Buffer.byteLength(source));
  });
}

const sources = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.py')).map(name => join(folder, name)).sort();

testWith(['mxnet'], 'no file of MXNet that defines models has a finding above low, and few of all its files do', async t => {
  t.timeout(300_000);
  const { library } = await mxnet();
  const folder = join(library, '..');
  const models = ['gluon', 'rnn', 'image', 'module', 'initializer.py', 'metric.py', 'lr_scheduler.py', 'optimizer', 'model.py', 'contrib'];
  const rules = new Map<string, number>();
  let grave = 0;
  const paths = sources(folder);
  for (const path of paths) {
    const { observations, coverage } = inspect(path, readFileSync(path));
    t.is(coverage.parsed, coverage.bytes, path);
    for (const { rule, severity, summary } of observations) {
      rules.set(`${severity} ${rule}`, (rules.get(`${severity} ${rule}`) ?? 0) + 1);
      if (severity === 'critical' || severity === 'high' || severity === 'medium') {
        grave += 1;
        t.false(models.some(name => path.startsWith(join(folder, name))), `${path}: ${severity} ${rule}: ${summary}`);
      }
    }
  }
  for (const [rule, count] of [...rules].sort()) t.log(`${String(count).padStart(4)}  ${rule}`);
  t.log(`${paths.length} files, ${grave} findings above low`);
  t.true(paths.length > 200 && grave < 25);
});
