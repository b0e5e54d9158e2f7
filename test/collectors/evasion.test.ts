import { appendFileSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import exec from '../../collectors/exec.ts';
import mxnet from '../../collectors/mxnet.ts';
import network from '../../collectors/network.ts';
import processes from '../../collectors/processes.ts';
import { testWith } from '../services/require.ts';
import { levels } from './kernel/bpf/levels.ts';
import { type Actor, act, begin, type DraftOf, noted, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, compile, hasCompiler } from './kernel/tracefs/standin.ts';

const source = new URL('../fixtures/evade.c', import.meta.url).pathname;
const standIn = hasCompiler ? buildStandIn() : undefined;
const program = join(standIn?.folder ?? '', 'evade');
if (standIn !== undefined) compile(['-O1', '-pthread', '-o', program, source, '-ldl']);
test.after.always(() => standIn?.[Symbol.dispose]());

interface Stage { readonly seen: ReturnType<typeof witness>; readonly folder: string; readonly library: string; readonly level: string }
const strangers = (folder: string, words: readonly string[]): Promise<Actor> => act(program, [words[1] ?? '', folder, words[0] ?? '']);

/** A process that has MXNet and is watched already acts; what the collectors tell of it is judged. */
function evasion(title: string, word: string, judge: (t: ExecutionContext, stage: Stage, actor: Actor, go: () => Promise<void>) => Promise<void>): void {
  for (const { level, parts, followed } of levels) {
    testWith.serial(parts, `${level}: ${title}`, async t => {
      if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
      const seen = witness();
      const folder = mkdtempSync(join(standIn.folder, 'at-'));
      await using stack = new AsyncDisposableStack();
      stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level }));
      stack.use(await begin(processes, seen.port));
      stack.use(await begin(exec, seen.port, { level }));
      stack.use(await begin(network, seen.port, { level }));
      using actor = await act(program, [standIn.library, folder, word]);
      await actor.said('ready');
      await actor.next();
      await seen.until('mxnet.called', each => each.process.pid === actor.pid);
      await followed(actor.pid);
      const go = async (): Promise<void> => { await actor.next(); await actor.said(`did ${word}`); };
      await judge(t, { seen, folder, library: standIn.library, level }, actor, go);
      await actor.next();
    });
  }
}
const ran = (stage: Stage, actor: Actor, fits: (each: DraftOf<'process.executed'>) => boolean) => stage.seen.until('process.executed', each => each.tree.pid === actor.pid && fits(each));
const argument = (each: DraftOf<'process.executed'>): string | undefined => each.process.argv[1];

evasion('two forks and two new sessions do not leave the tree', 'detach', async (t, stage, actor, go) => {
  await go();
  const told = await ran(stage, actor, each => argument(each) === '0.41');
  t.not(told.parent.pid, actor.pid);
});

evasion('a flood of calls does not push out a program, and what was lost of the flood is counted', 'flood', async (t, stage, actor, go) => {
  await go();
  await ran(stage, actor, each => argument(each) === '0.42');
  const flood = (): number => stage.seen.all('mxnet.called').filter(each => each.process.pid === actor.pid).length - 1;
  const lost = (): number => stage.seen.all('events.lost').reduce((sum, each) => sum + (each.count ?? 0), 0);
  for (const end = performance.now() + 60_000; flood() + lost() < 120_000 && performance.now() < end;) await new Promise(resolve => { setTimeout(resolve, 100); });
  t.true(flood() + lost() >= 120_000, `${flood()} told, ${lost()} lost of 120,000`);
});

evasion('vfork is a child like any other', 'quick', async (t, stage, actor, go) => {
  await go();
  t.is((await ran(stage, actor, each => argument(each) === '0.43')).parent.pid, actor.pid);
});

evasion('a program that calls itself a kernel thread is told by its file', 'renamed', async (t, stage, actor, go) => {
  await go();
  const told = await ran(stage, actor, each => argument(each) === '0.44');
  t.is(told.process.argv[0], '[kworker/0:1]');
  t.is(told.process.executable.path, '/bin/sleep');
});

evasion('a copy under the name of another program has its own place and identity', 'copied', async (t, stage, actor, go) => {
  const copy = join(stage.folder, 'python3');
  copyFileSync('/bin/sleep', copy);
  await go();
  const told = await ran(stage, actor, each => argument(each) === '0.45');
  t.is(told.process.executable.path, copy);
  t.is(told.process.executable.file?.inode, String(statSync(copy).ino));
});

evasion('a program that was unlinked before it ran is told as deleted', 'deleted', async (t, stage, actor, go) => {
  copyFileSync('/bin/sleep', join(stage.folder, 'gone'));
  await go();
  const told = await ran(stage, actor, each => argument(each) === '0.46');
  t.regex(told.process.executable.path, /^\/dev\/fd\/|\(deleted\)$/);
});

evasion('a thread that becomes a program keeps the number of its process', 'from-thread', async (t, stage, actor, go) => {
  await go();
  const told = await ran(stage, actor, each => argument(each) === '0.47');
  t.is(told.parent.pid, actor.pid);
});

evasion('a model loaded under a second name is the same file', 'linked', async (t, stage, actor, go) => {
  const model = join(stage.folder, 'model.params');
  writeFileSync(model, 'content');
  await go();
  const told = await stage.seen.until('mxnet.called', each => each.process.pid === actor.pid && each.argument.type === 'path' && each.argument.raw.endsWith('innocent.txt'));
  t.is(told.argument.type === 'path' ? told.argument.file?.inode : null, String(statSync(model).ino));
});

evasion('a model that another process opened and handed over is told by its file', 'handed-file', async (t, stage, actor, go) => {
  const model = join(stage.folder, 'model.params');
  writeFileSync(model, 'content');
  await go();
  const told = await stage.seen.until('mxnet.called', each => each.process.pid === actor.pid && each.argument.type === 'path' && each.argument.raw.startsWith('/proc/self/fd/'));
  t.like(told.argument, { place: { path: model } });
});

evasion('a blind spot: a connection that another process made and handed over has bytes, but no destination', 'handed-connection', async (t, stage, actor, go) => {
  using other = await strangers(stage.folder, ['stranger']);
  await other.said('waits');
  await go();
  await other.said(`stranger ${other.pid}`);
  const told = await stage.seen.until('network.transferred', each => each.process.pid === actor.pid && each.sentBytes >= 7_000);
  t.truthy(told);
  t.deepEqual(stage.seen.all('network.connected').filter(each => each.process.pid === actor.pid), []);
  await other.next();
});

evasion('names that are swapped during loads are told as one of the two files, never as a third', 'raced', async (t, stage, actor, go) => {
  const [model, other] = ['model', 'other'].map(name => {
    writeFileSync(join(stage.folder, `${name}.kept`), name);
    return String(statSync(join(stage.folder, `${name}.kept`)).ino);
  });
  linkSync(join(stage.folder, 'model.kept'), join(stage.folder, 'raced.params'));
  linkSync(join(stage.folder, 'other.kept'), join(stage.folder, 'other.params'));
  await go();
  const loads = () => stage.seen.all('mxnet.called').filter(each => each.process.pid === actor.pid && each.argument.type === 'path' && each.argument.raw.endsWith('raced.params'));
  for (const end = performance.now() + 60_000; loads().length < 60 && performance.now() < end;) await new Promise(resolve => { setTimeout(resolve, 50); });
  t.is(loads().length, 60);
  t.deepEqual(loads().filter(each => each.argument.type === 'path' && ![model, other, undefined].includes(each.argument.file?.inode)), []);
});

for (const { level, parts, followed } of levels) {
  testWith.serial(parts, `${level}: a stranger that has the number of a process of the tree is not of the tree`, async t => {
    if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
    const seen = witness();
    const folder = mkdtempSync(join(standIn.folder, 'at-'));
    await using stack = new AsyncDisposableStack();
    stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level }));
    stack.use(await begin(exec, seen.port, { level }));
    using actor = await act(program, [standIn.library, folder, 'quick']);
    await actor.said('ready');
    await actor.next();
    await seen.until('mxnet.called', each => each.process.pid === actor.pid);
    await followed(actor.pid);
    await actor.next();
    const child = await seen.until('process.executed', each => each.tree.pid === actor.pid && argument(each) === '0.43');
    await actor.said('did quick');
    await actor.next();
    await actor.ended;
    for (const pid of [child.process.pid, actor.pid]) {
      using stranger = await strangers(folder, ['as', String(pid)]);
      await stranger.said(`was ${pid}`);
    }
    // What comes later of a watched process shows that all before it was told.
    using last = await act(program, [standIn.library, folder, 'quick']);
    for (const word of ['ready', 'known']) { await last.said(word); if (word === 'known') await followed(last.pid); await last.next(); }
    await seen.until('process.executed', each => each.tree.pid === last.pid && argument(each) === '0.43');
    t.deepEqual(seen.all('process.executed').filter(each => argument(each) === '0.48'), []);
    await last.next();
  });

  testWith.serial(parts, `${level}: a library copied to a new inode under another name, and a program with MXNet in itself, are probed; a blind spot: not when that is stripped`, async t => {
    if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
    const folder = mkdtempSync(join(standIn.folder, 'at-'));
    const copy = join(folder, 'libother.so');
    copyFileSync(standIn.library, copy);
    // A renamed copy is looked into from 1 MiB on: the real one has a hundred times that.
    appendFileSync(copy, Buffer.alloc(1 << 20));
    const padding = ['-Wl,--build-id=none', '-DSTATIC'];
    writeFileSync(join(folder, 'padding.c'), 'const char padding[2 << 20] = { 1 };');
    mkdirSync(join(folder, 'bin'));
    const whole = join(folder, 'bin/whole');
    const bare = join(folder, 'bin/bare');
    const parts = ['-O1', '-static', '-pthread', ...padding, source, join(standIn.folder, 'library.c'), join(folder, 'padding.c')];
    compile([...parts, '-o', whole]);
    compile([...parts, '-s', '-o', bare]);
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    stack.use(await begin(mxnet, seen.port, { libraries: [], level }));
    using copied = await act(program, [copy, folder, 'linked']);
    using embedded = await act(whole, ['-', folder, 'linked']);
    using stripped = await act(bare, ['-', folder, 'linked']);
    await noted(seen.notes, copy);
    await noted(seen.notes, whole);
    for (const actor of [stripped, copied, embedded]) { await actor.said('ready'); await actor.next(); await actor.said('known'); }
    for (const actor of [copied, embedded]) t.like(await seen.until('mxnet.called', each => each.process.pid === actor.pid), { argument: { raw: 'before.params' } });
    t.deepEqual(seen.all('mxnet.called').filter(each => each.process.pid === stripped.pid), []);
  });
}
