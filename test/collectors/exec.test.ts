import test from 'ava';
import exec from '../../collectors/exec.ts';
import mxnet from '../../collectors/mxnet.ts';
import processes from '../../collectors/processes.ts';
import { UnavailableError } from '../../agent/contract/errors.ts';
import { testWith } from '../services/require.ts';
import { act, begin, followed, host, witness } from './kernel/tracefs/stage.ts';
import { buildStandIn, hasCompiler } from './kernel/tracefs/standin.ts';

const standIn = hasCompiler ? buildStandIn() : undefined;
test.after.always(() => standIn?.[Symbol.dispose]());

testWith(['root', 'tracefs'], 'what a child and a grandchild left to init execute is told with arguments, parent and tree, and their ends', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const seen = witness();
  await using stack = new AsyncDisposableStack();
  stack.use(await begin(mxnet, seen.port, { libraries: [standIn.library] }));
  // It tells the ends of those that had MXNet when they were cloned.
  stack.use(await begin(processes, seen.port));
  stack.use(await begin(exec, seen.port));
  using actor = await act(standIn.program, [standIn.library, 'register', 'line', 'run', 'sleep 0.4; exit 3', 'orphan', 'sh -c "sleep 0.3; kill -TERM \\$\\$"; sleep 0.3', 'line']);
  await followed(actor.pid);
  await actor.next();
  const ofTree = <T extends { tree: { pid: number } }>(each: T): boolean => each.tree.pid === actor.pid;
  const child = await seen.until('process.executed', each => ofTree(each) && each.process.executable.path === '/bin/sh');
  t.deepEqual(child.process.argv, ['sh', '-c', 'sleep 0.4; exit 3']);
  t.is(child.parent.pid, actor.pid);
  t.is(child.process.ancestors[0]?.pid, actor.pid);
  t.not(child.process.executable.file, null);
  const sleeping = await seen.until('process.executed', each => each.process.argv[0] === 'sleep' && each.parent.pid === child.process.pid);
  t.is(sleeping.tree.pid, actor.pid);

  const orphan = await seen.until('process.executed', each => each.process.argv[2]?.endsWith('; sleep 0.3') === true);
  t.false(orphan.parent.pid === 1 || orphan.parent.pid === actor.pid);
  const inner = await seen.until('process.executed', each => each.process.argv[2] === 'sleep 0.3; kill -TERM $$');
  const killed = await seen.until('process.exited', each => each.process.pid === inner.process.pid);
  // Where its parent has asked for its status before us, the kernel's own SIGKILL is all there is to see.
  t.true(killed.status !== null && 'signal' in killed.status && ['SIGTERM', 'SIGKILL'].includes(killed.status.signal));
  t.deepEqual(killed.process, { pid: inner.process.pid, startTicks: inner.process.startTicks });
  await seen.until('process.exited', each => each.process.pid === sleeping.process.pid);
  await actor.next();
});

testWith(['root', 'tracefs'], 'a program of another tree is not told', async t => {
  if (standIn === undefined) { t.fail('needs a C compiler: apt-get install gcc'); return; }
  const seen = witness();
  await using running = await begin(exec, seen.port);
  t.truthy(running);
  using stranger = await act('/bin/sh', ['-c', '/bin/true; read line; /bin/true']);
  await new Promise(resolve => { setTimeout(resolve, 200); });
  await stranger.next();
  await stranger.ended;
  await new Promise(resolve => { setTimeout(resolve, 300); });
  t.false(seen.all('process.executed').some(each => each.parent.pid === stranger.pid));
});

test('without tracefs it is unavailable, and says how to have it', async t => {
  const { port } = witness();
  const error = await t.throwsAsync(exec.start(exec.config.parse({ mountTracefs: false }), { ...port, host: { ...host, tracefs: '/nowhere/tracing' } }), { instanceOf: UnavailableError });
  t.regex(error?.message ?? '', process.geteuid?.() === 0 ? /mount -t tracefs/ : /root/);
});
