import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import inspection from '../../../../detectors/inspection.ts';
import { pickle } from '../../../../detectors/formats/pickle/pickle.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';

testWith(['mxnet'], 'optimizer states that MXNet writes are clean, of every optimizer, scheduler and protocol', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-states-'));
  try {
    const { code, stderr } = await runPython({ file: join(import.meta.dirname, 'honest.py'), args: [folder] }, { timeoutMs: 110_000 });
    t.is(code, 0, stderr.slice(-1_000));
    const names = (await readdir(folder)).filter(name => name.endsWith('.states'));
    const opcodes = new Set<string>();
    const globals = new Set<string>();
    for (const name of names) {
      const bytes = await readFile(join(folder, name));
      const { verdict, observations, coverage, inventory, format } = inspectSource(name, sourceOf(bytes), [pickle]);
      t.deepEqual({ name, format, verdict, observations, parsed: coverage.parsed }, { name, format: 'pickle', verdict: 'clean', observations: [], parsed: bytes.length });
      for (const opcode of Object.keys(inventory['opcodes'] ?? {})) opcodes.add(opcode);
      for (const global of Object.keys(inventory['globals'] ?? {})) globals.add(global);
    }
    // Checkpoints of Module, whose states have the names and shapes of their symbol.
    let named = 0;
    for (const name of names.filter(each => each.startsWith('module-'))) {
      const bytes = await readFile(join(folder, name));
      const symbol = await readFile(join(folder, name.replace(/-\d+\.states$/, '-symbol.json')));
      const { observations } = inspection.inspect({ place: { path: join(folder, name) }, file: { device: '0:0', inode: '0', size: bytes.length, mtimeNs: '0', ctimeNs: '0' }, read: sourceOf(bytes).read, beside: () => sourceOf(symbol) }, inspection.config.parse({}));
      t.deepEqual(observations, [], name);
      inspectSource(name, sourceOf(bytes), [pickle], undefined, { together(facts) {
        for (const { fact } of facts) if (fact.type === 'states') named += fact.states.shapes?.get('fc_weight')?.filter(([rows, columns]) => rows === 3 && columns === 4).length ?? 0;
        return [];
      } });
    }
    t.true(named > 0, 'a state has the name and the shape of its weight');
    t.log(`${names.length} files, ${opcodes.size} opcodes, ${globals.size} globals: ${[...globals].sort().join(', ')}`);
    t.true(names.length > 500);
    // Each optimizer of the registry, with it and without.
    for (const optimizer of ['AdaDelta', 'AdaGrad', 'Adam', 'Adamax', 'DCASGD', 'FTML', 'Ftrl', 'LAMB', 'LARS', 'LBSGD', 'NAG', 'Nadam', 'RMSProp', 'SGD', 'SGLD', 'Signum', 'ccSGD', 'Test']) {
      t.true(globals.has(`mxnet.optimizer.optimizer ${optimizer}`), optimizer);
    }
    for (const name of ['mxnet.optimizer.contrib GroupAdaGrad', 'mxnet.ndarray.sparse RowSparseNDArray', 'copyreg _reconstructor', '_codecs encode', 'mxnet.lr_scheduler CosineScheduler']) t.true(globals.has(name), name);
  } finally { await rm(folder, { recursive: true, force: true }); }
});
