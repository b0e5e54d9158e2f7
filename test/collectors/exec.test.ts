import test, { type ExecutionContext } from 'ava';
import exec from '../../collectors/exec.ts';
import mxnet from '../../collectors/mxnet.ts';
import processes from '../../collectors/processes.ts';
import { UnavailableError } from '../../agent/contract/errors.ts';
import { patient } from '../services/patience.ts';
import { testWith } from '../services/require.ts';
import { levels } from './kernel/bpf/levels.ts';
import { act, begin, host, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from './kernel/tracefs/standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

for (const { level, parts, followed } of levels) {
  testWith.serial([...parts], `${level}: what a child and a grandchild left to init execute is told with arguments, parent and tree, and their ends`, async t => {
    if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level }));
    // It tells the ends of those that had MXNet when they were cloned.
    stack.use(await begin(processes, seen.port));
    stack.use(await begin(exec, seen.port, { level }));
    // Long enough to be looked at while they live.
    const [first, second] = [`sleep ${patient(400) / 1_000}`, `sleep ${patient(300) / 1_000}`];
    using actor = await act(standIn.program, [standIn.library, 'register', 'line', 'run', `${first}; exit 3`, 'orphan', `sh -c "${second}; kill -TERM \\$\\$"; ${second}`, 'line']);
    await followed(actor.pid);
    await actor.next();
    const ofTree = <T extends { tree: { pid: number } }>(each: T): boolean => each.tree.pid === actor.pid;
    const child = await seen.until('process.executed', each => ofTree(each) && each.process.executable.path === '/bin/sh');
    t.deepEqual(child.process.argv, ['sh', '-c', `${first}; exit 3`]);
    t.is(child.parent.pid, actor.pid);
    t.is(child.process.ancestors[0]?.pid, actor.pid);
    t.not(child.process.executable.file, null);
    const sleeping = await seen.until('process.executed', each => each.process.argv[0] === 'sleep' && each.parent.pid === child.process.pid);
    t.is(sleeping.tree.pid, actor.pid);

    const orphan = await seen.until('process.executed', each => each.process.argv[2]?.endsWith(`; ${second}`) === true);
    t.false(orphan.parent.pid === 1 || orphan.parent.pid === actor.pid);
    const inner = await seen.until('process.executed', each => each.process.argv[2] === `${second}; kill -TERM $$`);
    const killed = await seen.until('process.exited', each => each.process.pid === inner.process.pid);
    // Where its parent has asked for its status before us, the kernel's own SIGKILL is all there is to see.
    t.true(killed.status !== null && 'signal' in killed.status && ['SIGTERM', 'SIGKILL'].includes(killed.status.signal));
    t.deepEqual(killed.process, { pid: inner.process.pid, startTicks: inner.process.startTicks });
    await seen.until('process.exited', each => each.process.pid === sleeping.process.pid);
    await actor.next();
  });
}

for (const { level, parts } of levels) {
  testWith.serial([...parts], `${level}: a program of another tree is not told`, async t => {
    if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
    const seen = witness();
    await using running = await begin(exec, seen.port, { level });
    t.truthy(running);
    using stranger = await act('/bin/sh', ['-c', '/bin/true; read line; /bin/true']);
    await new Promise(resolve => { setTimeout(resolve, 200); });
    await stranger.next();
    await stranger.ended;
    await new Promise(resolve => { setTimeout(resolve, 300); });
    t.false(seen.all('process.executed').some(each => each.parent.pid === stranger.pid));
  });
}

/** Runs this script as a process with MXNet's child, at the level of programs in the kernel, and hands over what was told. */
function withScript(title: string, script: (folder: string) => string, check: (t: ExecutionContext, seen: ReturnType<typeof witness>, actor: number) => Promise<void>): void {
  testWith.serial(['root', 'bpf'], `bpf: ${title}`, async t => {
    if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
    const seen = witness();
    await using stack = new AsyncDisposableStack();
    stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library], level: 'bpf' }));
    stack.use(await begin(exec, seen.port, { level: 'bpf' }));
    using actor = await act(standIn.program, [standIn.library, 'register', 'run', script(standIn.folder), 'line']);
    await actor.said('did run');
    await check(t, seen, actor.pid);
    await actor.next();
  });
}

withScript('programs that live for a moment are told with all their arguments and their exact ends',
  () => '/bin/true one "two words"; /bin/false; /bin/sh -c "exit 41"; /bin/sh -c "kill -SEGV \\$\\$"; /bin/true last', async (t, seen, actor) => {
    const last = await seen.until('process.executed', each => each.process.argv[1] === 'last' && each.tree.pid === actor);
    await seen.until('process.exited', each => each.process.pid === last.process.pid);
    const ends = seen.all('process.executed').filter(each => each.tree.pid === actor).slice(1)
      .map(({ process: who }) => [who.argv, seen.all('process.exited').find(each => each.process.pid === who.pid)?.status]);
    t.deepEqual(ends, [
      [['/bin/true', 'one', 'two words'], { code: 0 }], [['/bin/false'], { code: 1 }], [['/bin/sh', '-c', 'exit 41'], { code: 41 }],
      [['/bin/sh', '-c', 'kill -SEGV $$'], { signal: 'SIGSEGV' }], [['/bin/true', 'last'], { code: 0 }],
    ]);
    t.not(last.process.executable.file, null);
  });

withScript('arguments of many kilobytes and a name of four thousand bytes are told', folder => `x=$(printf %02000d 7); cd ${folder}; /bin/true $x $x $x; y=$(printf '/.%.0s' $(seq 1900)); $y/bin/true deep`, async (t, seen, actor) => {
  const deep = await seen.until('process.executed', each => each.process.argv[1] === 'deep' && each.tree.pid === actor);
  t.is(deep.process.executable.path.length, 1_900 * 2 + '/bin/true'.length);
  const wide = seen.all('process.executed').find(each => each.process.argv[0] === '/bin/true' && each.process.argv.length === 4);
  t.true(wide?.process.argv[3]?.endsWith('0') === true || wide?.process.argv[3]?.includes('…') === true);
});

withScript('a program without a name on any disk is told as deleted', folder => `cp /bin/sleep ${folder}/gone; exec 9<${folder}/gone; rm ${folder}/gone; /proc/self/fd/9 0`, async (t, seen, actor) => {
  const told = await seen.until('process.executed', each => each.process.argv[1] === '0' && each.tree.pid === actor);
  t.regex(told.process.executable.path, / \(deleted\)$/);
  t.true((told.process.executable.file?.size ?? 0) > 0);
});

withScript('a script is told by its own name', folder => `printf '#!/bin/sh\nexit 0\n' > ${folder}/script; chmod +x ${folder}/script; ${folder}/script word`, async (t, seen, actor) => {
  const told = await seen.until('process.executed', each => each.process.executable.path.endsWith('/script') && each.tree.pid === actor);
  t.deepEqual(told.process.argv.slice(0, 1), ['/bin/sh']);
  t.true(told.process.executable.file === null || told.process.executable.file.size < 100);
});

test('without tracefs it is unavailable, and says how to have it', async t => {
  const { port } = witness();
  const error = await t.throwsAsync(exec.start(exec.config.parse({ mountTracefs: false, level: 'tracefs' }), { ...port, host: { ...host, tracefs: '/nowhere/tracing' } }), { instanceOf: UnavailableError });
  t.regex(error?.message ?? '', process.geteuid?.() === 0 ? /mount -t tracefs/ : /root/);
});
