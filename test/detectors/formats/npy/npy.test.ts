import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { npy } from '../../../../detectors/formats/npy/npy.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { hostileNpy, npyFile, usual } from '../../../fixtures/hostile/npy.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';

const inspect = (bytes: Uint8Array) => inspectSource('a.npy', sourceOf(bytes), [npy]);

for (const { name, bytes, expect, rule } of hostileNpy) {
  test(`${name}: ${rule}, ${expect}`, t => {
    const { verdict, observations } = inspect(bytes);
    t.true(observations.some(observation => observation.rule === rule), JSON.stringify(observations));
    t.is(verdict, expect);
  });
}

for (const version of [[1, 0], [2, 0], [3, 0]] as const) {
  test(`an honest array of version ${version[0]} is clean`, t => {
    const { verdict, observations, coverage, inventory } = inspect(npyFile({ version }));
    t.deepEqual(observations, []);
    t.is(verdict, 'clean');
    t.is(coverage.parsed, coverage.bytes);
    t.like(inventory['array'], { dtype: 'float32', bytes: 8, min: 1, max: 2, mean: 1.5 });
  });
}

test('every cut of an honest array is malformed', t => {
  const bytes = npyFile({ header: usual });
  for (let length = 4; length < bytes.length; length++) t.is(inspect(bytes.subarray(0, length)).verdict, 'malformed', `${length} bytes`);
});

test('the data of an array of objects is inspected by what it is', t => {
  const { inventory } = inspect(hostileNpy[0]?.bytes ?? new Uint8Array());
  t.like((inventory['members'] as readonly unknown[])[0], { name: 'objects' });
});

testWith(['mxnet'], 'what real numpy saves is clean when MXNet reads it, and told when not', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-npy-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const program = [
    'import numpy as np',
    'for d in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "b1", "u1", "u2", "u4", "u8"]: np.save(f"ok-{d}", (np.arange(60) % 2).reshape(3, 4, 5).astype(d))',
    'np.save("ok-scalar", np.float32(3)); np.save("ok-none", np.zeros((0, 3))); np.save("ok-fortran", np.asfortranarray(np.ones((3, 4)))); np.save("ok-ranks", np.ones((1,) * 20))',
    'np.save("bad-object", np.array([{}], dtype=object), allow_pickle=True); np.save("bad-text", np.array(["ab"])); np.save("bad-void", np.zeros(2, "V5"))',
    'np.save("bad-fields", np.zeros(2, [("a", "f4"), ("b", "i4", (2,))])); np.save("bad-big", np.ones(3, ">f4")); np.save("bad-time", np.zeros(2, "M8[ns]")); np.save("bad-complex", np.ones(2, "c16"))',
  ].join('\n');
  t.is((await runPython(program, { cwd: folder })).code, 0);
  const names = await readdir(folder);
  t.is(names.length, 23);
  for (const name of names) {
    const { verdict, observations } = inspect(await readFile(join(folder, name)));
    t.is(verdict === 'clean', name.startsWith('ok'), `${name} ${verdict} ${JSON.stringify(observations)}`);
  }
});
