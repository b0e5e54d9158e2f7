import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import mxnet from '../../collectors/mxnet.ts';
import processes from '../../collectors/processes.ts';
import library from '../../detectors/library.ts';
import { memory } from '../builders.ts';
import { mxnet as realMxnet } from '../services/mxnet.ts';
import { testWith } from '../services/require.ts';
import { levels } from './kernel/bpf/levels.ts';
import { act, begin, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, compile, hasCompiler } from './kernel/tracefs/standin.ts';

const folder = mkdtempSync(join(tmpdir(), 'mxwarden-late-'));
const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => { standIn?.[Symbol.dispose](); rmSync(folder, { recursive: true, force: true }); });

const script = (path: string): string => `
import mxnet as mx, ctypes, os, _ssl
print('did import'); input()
class Prop(mx.operator.CustomOpProp): pass
mx.operator.register('late')(Prop)
mx.nd.save('${path}.params', {'a': mx.nd.ones((2,))}); mx.nd.load('${path}.params')
kept = ctypes.CDLL('${path}.so')
print('did open')
memory = os.memfd_create('x'); os.write(memory, open('${path}.so', 'rb').read())
kept = [kept, ctypes.CDLL('/proc/self/fd/%d' % memory)]
print('did remember'); input()
`;

for (const { level, parts } of levels) {
  testWith.serial([...parts, 'cc', 'mxnet'], `${level}: a library that real MXNet's Python opens after its import is told, from a file and from memory; so is an operator that it registers`, async t => {
    const path = join(folder, level);
    writeFileSync(`${path}.c`, 'int answer(void) { return 42; }');
    compile(['-shared', '-fPIC', '-o', `${path}.so`, `${path}.c`]);
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    const { python, library: libmxnet } = await realMxnet();
    stack.use(await begin(mxnet, seen.port, { level, libraries: [libmxnet] }));
    stack.use(await begin(processes, seen.port));
    using actor = await act(python, ['-u', '-c', script(path)]);
    await actor.said('did import');
    const mapped = await seen.until('mxnet.mapped', each => each.process.pid === actor.pid);
    t.deepEqual(mapped.settings?.environment?.preload, []);
    const registered = (): number => seen.all('mxnet.registered').filter(each => each.process.pid === actor.pid).length;
    await seen.until('mxnet.registered', each => each.process.pid === actor.pid && registered() >= 5);
    const before = registered();
    await actor.next();
    await actor.said('did remember');
    const file = await seen.until('library.mapped', each => each.process.pid === actor.pid && each.library.place.path === `${path}.so`);
    t.false(file.library.unlinked);
    t.is(file.library.file.size, readFileSync(`${path}.so`).length);
    const inMemory = await seen.until('library.mapped', each => each.process.pid === actor.pid && each.library.unlinked);
    t.regex(inMemory.library.place.path, /^\/memfd:x/);
    await seen.until('mxnet.registered', each => each.process.pid === actor.pid && registered() === before + 1);
    t.is(seen.all('library.mapped').filter(each => each.process.pid === actor.pid && each.library.place.path === `${path}.so`).length, 1);

    const load = await seen.until('mxnet.called', each => each.process.pid === actor.pid && each.api === 'MXNDArrayLoad');
    const see = library.create(library.config.parse({}), memory());
    see({ ...mapped, id: 'm', collector: 'processes' });
    see({ ...load, id: 'l', collector: 'mxnet' });
    t.like(see({ ...inMemory, id: 'x', collector: 'processes' })[0], { rule: 'library.late', severity: 'high' });
    const quiet = seen.all('library.mapped').filter(each => each.process.pid === actor.pid && !each.library.place.path.startsWith(folder) && !each.library.unlinked);
    t.deepEqual(quiet.flatMap(each => see({ ...each, id: each.library.place.path, collector: 'processes' })).map(({ summary }) => summary), []);
    await actor.next();
  });
}

testWith.serial(['cc'], 'what a process was told about libraries when it started is told with its MXNet, and nothing else of its environment', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const preload = join(folder, 'preload.so');
  writeFileSync(join(folder, 'preload.c'), 'int nothing;');
  compile(['-shared', '-fPIC', '-o', preload, join(folder, 'preload.c')]);
  copyFileSync(preload, join(folder, 'other.so'));
  const seen = witness();
  await using stack = new AsyncDisposableStack();
  stack.use(await begin(processes, seen.port));
  const given = { LD_PRELOAD: `${preload}:${join(folder, 'other.so')}`, LD_LIBRARY_PATH: `/opt/a\n\u001b[2J:`, DMLC_ROLE: 'server', AWS_SECRET_ACCESS_KEY: 'hunter2-hunter2' };
  using actor = await act('/usr/bin/env', [...Object.entries(given).map(([name, value]) => `${name}=${value}`), standIn.program, standIn.library, 'line']);
  const { settings } = await seen.until('mxnet.mapped', each => each.process.pid === actor.pid);
  t.deepEqual(settings?.environment, { preload: [preload, join(folder, 'other.so')], libraryPath: ['/opt/a\\x0a\\x1b[2J', ''], mxnetLibraryPath: null, role: 'server' });
  t.false(JSON.stringify(seen.all('mxnet.mapped').map(each => each.settings)).includes('hunter2'));
  await actor.next();
});
