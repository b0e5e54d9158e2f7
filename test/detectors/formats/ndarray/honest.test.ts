import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { ndarrayContainer } from '../../../../detectors/formats/ndarray/container.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';

const writer = new URL('honest.py', import.meta.url).pathname;

testWith(['mxnet'], 'every array file that real MXNet writes is clean, and read to its last byte', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-honest-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const { code, stderr } = await runPython({ file: writer }, { cwd: folder, timeoutMs: 115_000 });
  t.is(code, 0, stderr);
  const files = (await readdir(folder)).filter(name => !name.endsWith('.json'));
  t.true(files.length > 40, String(files.length));
  let values = 0;
  for (const name of files) {
    const bytes = await readFile(join(folder, name));
    const { format, verdict, observations, coverage, inventory } = inspectSource(name, sourceOf(bytes), [ndarrayContainer]);
    t.deepEqual(observations.filter(({ severity }) => severity !== 'info'), [], name);
    t.is(`${format} ${verdict}`, 'ndarray-container clean', name);
    t.is(coverage.parsed, bytes.length, name);
    values += Number(inventory['values']);
  }
  t.log(`${files.length} files, ${values} values`);
});

testWith(['mxnet'], 'statistics are those of numpy, for every type', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-honest-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const program = [
    'import json', 'import numpy as np', 'import mxnet as mx', 'rng = np.random.RandomState(5)', 'told = []',
    'for dtype in ["float32", "float64", "float16", "int8", "uint8", "int32", "int64", "bool"]:',
    '  for shape in [(3,), (1000, 1001), (200000,)]:',
    '    a = (rng.randn(*shape) * 40).astype(dtype) if dtype != "uint8" else rng.randint(0, 255, shape).astype(dtype)',
    '    mx.nd.save(f"{len(told)}.nd", [mx.nd.array(a, dtype=dtype)])',
    '    w = a.astype("float64")',
    '    told.append([dtype, w.min(), w.max(), w.mean(), w.std()])',
    'a = rng.randn(50000).astype("float32"); a[[7, 40000]] = np.nan; a[9] = np.inf',
    'mx.nd.save(f"{len(told)}.nd", [mx.nd.array(a)])',
    'w = a[np.isfinite(a)].astype("float64")',
    'told.append(["with NaN", w.min(), w.max(), w.mean(), w.std()])',
    'print(json.dumps(told))',
  ].join('\n');
  const { stdout, stderr } = await runPython(program, { cwd: folder, timeoutMs: 100_000 });
  const told = JSON.parse(stdout) as readonly (readonly [string, number, number, number, number])[];
  t.is(told.length, 25, stderr);
  for (const [index, [dtype, ...expected]] of told.entries()) {
    const { inventory } = inspectSource('x', sourceOf(await readFile(join(folder, `${index}.nd`))), [ndarrayContainer]);
    const [tensor] = inventory['tensors'] as readonly Record<string, number>[];
    expected.forEach((value, place) => {
      const ours = tensor?.[['min', 'max', 'mean', 'std'][place] ?? ''] ?? Number.NaN;
      t.true(Math.abs(ours - value) <= 1e-6 * Math.max(1, Math.abs(value)), `${dtype} ${place}: ${ours} ${value}`);
    });
    if (dtype === 'with NaN') t.like(inventory, { nan: 2, infinite: 1 });
  }
});
