import test from 'ava';
import load from '../../detectors/load.ts';
import type { Suspicion } from '../../agent/contract/finding.ts';
import { artifactInspected, fileChanged, fileOpened, identity, memory, mxnetCalled, noon, pathArgument, process, processExited, processSampled } from '../builders.ts';

const config = load.config.parse({});
const start = (kept = memory()) => load.create(config, kept);
const rules = (found: readonly Suspicion[]) => found.map(finding => finding.rule);
const second = 1_000;

const before = identity();
const after = identity({ inode: '131099', size: 8_192, mtimeNs: '1795520000000000000', ctimeNs: '1795520000000000000' });
const [digestA, digestB] = ['a'.repeat(64), 'b'.repeat(64)];

/** A detector that has seen the model in its folder and inspected it. */
function known(kept = memory()) {
  const see = start(kept);
  see(fileChanged({ id: 'found', change: 'found', at: noon - 100 * second }));
  see(artifactInspected({ id: 'inspected', at: noon - 99 * second, sha256: digestA }));
  return see;
}
const call = (change: Parameters<typeof mxnetCalled>[0] = {}) => mxnetCalled({ id: 'load', ...change });
const later = (ms: number) => processSampled({ at: noon + ms });

test('a model that lies in a watched folder and was inspected as it is raises nothing, also later', t => {
  const see = known();
  t.deepEqual(see(call()), []);
  t.deepEqual(see(later(60 * second)), []);
});

test('a model that was changed since it was inspected is told at once, with what changed', t => {
  const see = known();
  const [finding, ...more] = see(call({ argument: pathArgument({ file: after }) }));
  t.deepEqual(more, []);
  t.like(finding, { rule: 'load.not-inspected', severity: 'low', because: ['load'] });
  t.regex(finding?.summary ?? '', /pid 4121.*"\/srv\/models\/model-0000\.params".*changed since.*another file lies there now, 8192 bytes after 4096/);
});

test('each part of the identity counts, the change time alone as well', t => {
  for (const change of [{ device: '8:2' }, { inode: '1' }, { size: 1 }, { mtimeNs: '1' }, { ctimeNs: '1' }]) {
    t.deepEqual(rules(known()(call({ argument: pathArgument({ file: identity(change) }) }))), ['load.not-inspected'], JSON.stringify(change));
  }
});

test('a trainer that reloads the checkpoint it wrote itself is not told', t => {
  const see = known();
  see(fileChanged({ by: process(), file: after }));
  t.deepEqual(see(call({ argument: pathArgument({ file: after }) })), []);
  t.deepEqual(see(artifactInspected({ at: noon + second, file: after, sha256: digestB })), []);
});

test('once somebody unknown has written in between, it is', t => {
  const see = known();
  see(fileChanged({ by: process(), file: after }));
  see(fileChanged({ by: null, file: after }));
  t.deepEqual(rules(see(call({ argument: pathArgument({ file: after }) }))), ['load.not-inspected']);
});

test('a file that was never inspected has until the end of the grace', t => {
  const see = start();
  see(fileChanged({ change: 'created' }));
  t.deepEqual(see(call()), []);
  t.deepEqual(see(later(29 * second)), []);
  const [finding] = see(later(31 * second));
  t.like(finding, { rule: 'load.not-inspected', severity: 'low', because: ['load'] });
  t.deepEqual(see(later(60 * second)), []);
});

test('an inspection within the grace settles it', t => {
  const see = start();
  see(fileChanged({ change: 'created' }));
  see(call());
  t.deepEqual(see(artifactInspected({ at: noon + 2 * second })), []);
  t.deepEqual(see(later(60 * second)), []);
});

test('a process that ends first is judged at its end, samples of others do not matter', t => {
  const see = start();
  see(fileChanged({ change: 'created' }));
  see(call());
  t.deepEqual(see(processSampled({ at: noon + 60 * second, process: { pid: 9, startTicks: 9 } })), []);
  t.deepEqual(see(processSampled({ at: noon + 60 * second, process: { pid: 4_121, startTicks: 9 } })), []);
  t.deepEqual(rules(see(processExited({ at: noon + second }))), ['load.not-inspected']);
});

test('a file exchanged between load and inspection is lost for good: low, medium by a known other', t => {
  for (const [by, severity] of [[null, 'low'], [process({ pid: 7, uid: 33, executable: { path: '/usr/bin/cp', file: null } }), 'medium']] as const) {
    const see = start();
    see(fileChanged({ change: 'created', file: before }));
    see(call());
    see(fileChanged({ by, file: after }));
    const [finding] = see(artifactInspected({ id: 'look', at: noon + 2 * second, file: after }));
    t.like(finding, { rule: 'load.not-inspected', severity, because: ['look', 'load'] });
    t.regex(finding?.summary ?? '', /after it was loaded and before it was inspected/);
  }
});

test('the inspection of an older state, ended late, says nothing of the one loaded', t => {
  const see = start();
  see(fileChanged({ change: 'created', file: after }));
  see(call({ argument: pathArgument({ file: after }) }));
  t.deepEqual(see(artifactInspected({ at: noon + second, file: before })), []);
  t.deepEqual(rules(see(artifactInspected({ at: noon + 2 * second, file: after, sha256: digestB }))), ['load.replaced']);
  t.deepEqual(see(later(40 * second)), []);
});

test('a file that was gone when it was to be examined is told', t => {
  t.deepEqual(rules(start()(call({ argument: pathArgument({ file: null }) }))), ['load.not-inspected']);
});

test('a digest other than at the last load is a replaced model, with both digests', t => {
  const see = known();
  see(call());
  see(artifactInspected({ id: 'again', at: noon + 10 * second, file: after, sha256: digestB }));
  const [finding, ...more] = see(call({ id: 'second', at: noon + 20 * second, argument: pathArgument({ file: after }) }));
  t.deepEqual(more, []);
  t.like(finding, { rule: 'load.replaced', severity: 'low', because: ['second'] });
  t.regex(finding?.summary ?? '', /aaaaaaaaaaaa… then, bbbbbbbbbbbb… now/);
});

test('a model never loaded before is compared with what was first seen under its name', t => {
  const see = known();
  see(artifactInspected({ file: after, sha256: digestB }));
  t.deepEqual(rules(see(call({ argument: pathArgument({ file: after }) }))), ['load.replaced']);
});

test('when the inspection comes after the load, replacement is told with it', t => {
  const see = known();
  see(call());
  see(call({ id: 'second', argument: pathArgument({ file: after }) }));
  const [finding] = see(artifactInspected({ id: 'look', file: after, sha256: digestB }));
  t.like(finding, { rule: 'load.replaced', because: ['look', 'second'] });
});

test('each of four workers that load the replaced model is told, once', t => {
  const see = known();
  see(call());
  see(artifactInspected({ file: after, sha256: digestB }));
  const of = (pid: number) => rules(see(call({ process: process({ pid }), argument: pathArgument({ file: after }) })));
  t.deepEqual([10, 11, 12, 13].map(of), [['load.replaced'], ['load.replaced'], ['load.replaced'], ['load.replaced']]);
  t.deepEqual(of(10), []);
});

test('the same bytes written anew, and inspected, are no replaced model', t => {
  const see = known();
  see(call());
  see(artifactInspected({ file: after, sha256: digestA }));
  t.deepEqual(see(call({ argument: pathArgument({ file: after }) })), []);
});

test('the last digest survives a restart', t => {
  const kept = memory();
  known(kept)(call());
  const see = start(memory(kept.entries));
  see(fileChanged({ change: 'found', file: after }));
  see(artifactInspected({ file: after, sha256: digestB }));
  t.deepEqual(rules(see(call({ argument: pathArgument({ file: after }) }))), ['load.replaced']);
});

test('a load from a folder that the watch never reported is low, once per process, and said after the grace', t => {
  const see = start();
  see(fileChanged({ change: 'found', place: { path: '/srv/other/x.params' } }));
  see(call());
  see(artifactInspected());
  t.deepEqual(rules(see(later(31 * second))), ['load.outside-roots']);
  see(call({ at: noon + 40 * second }));
  t.deepEqual(see(later(90 * second)), []);
});

test('a folder that the watch reports within the grace is inside', t => {
  const see = start();
  see(call());
  see(artifactInspected());
  see(fileChanged({ change: 'found' }));
  t.deepEqual(see(later(31 * second)), []);
});

test('the cache of a model zoo is only info, unless it lies in a temporary folder', t => {
  for (const [path, severity] of [['/home/u/.mxnet/models/resnet.params', 'info'], ['/tmp/.mxnet/models/resnet.params', 'low']] as const) {
    const see = start();
    see(call({ argument: pathArgument({ place: { path } }) }));
    see(artifactInspected({ place: { path } }));
    t.is(see(later(31 * second))[0]?.severity, severity);
  }
});

test('a model that others can exchange is low and says why', t => {
  for (const [access, why] of [
    [{ uid: 0, mode: 0o666, openFolder: null }, /every user may write to it \(mode 666\)/], [{ uid: 0, mode: 0o644, openFolder: '/srv/drop' }, /its folder "\/srv\/drop"/],
    [{ uid: 77, mode: 0o644, openFolder: null }, /uid 77, who is neither root nor the loader/],
  ] as const) {
    const [finding] = known()(call({ argument: pathArgument({ access }) }));
    t.like(finding, { rule: 'load.world-writable', severity: 'low' });
    t.regex(finding?.summary ?? '', why);
  }
});

test('root or the loader as owner is fine, and a deployer who owns the folder is told once', t => {
  t.deepEqual(known()(call({ argument: pathArgument({ access: { uid: 0, mode: 0o644, openFolder: null } }) })), []);
  t.deepEqual(known()(call({ argument: pathArgument({ access: { uid: 1_001, mode: 0o644, openFolder: null } }) })), []);
  const see = known();
  const owned = pathArgument({ access: { uid: 77, mode: 0o644, openFolder: null } });
  see(call({ argument: owned }));
  t.deepEqual(see(call({ process: process({ pid: 9 }), argument: owned })), []);
});

test('a user or an executable that never loaded this model is told, when others did', t => {
  const see = known();
  see(call());
  const [user] = see(call({ process: process({ pid: 8, uid: 33 }) }));
  t.like(user, { rule: 'load.new-loader', severity: 'low' });
  t.regex(user?.summary ?? '', /this user never loaded/);
  t.regex(see(call({ process: process({ pid: 9, executable: { path: '/opt/x', file: null } }) }))[0]?.summary ?? '', /this executable never loaded/);
  t.deepEqual(see(call({ process: process({ pid: 10, uid: 33 }) })), []);
});

test('a refused load is low, once per process and file', t => {
  const see = known();
  t.deepEqual(rules(see(call({ outcome: 'failed' }))), ['load.failed']);
  t.deepEqual(see(call({ outcome: 'failed' })), []);
});

test('a name that does not exist is only a failed load', t => {
  t.deepEqual(rules(start()(call({ outcome: 'failed', argument: pathArgument({ file: null }) }))), ['load.failed']);
});

test('an argument that was not read is medium where it names a file, low elsewhere, once an hour', t => {
  const see = start();
  const unread = { type: 'unread', why: 'the name was too long' } as const;
  const [finding] = see(call({ argument: unread }));
  t.like(finding, { rule: 'load.unread-argument', severity: 'medium' });
  t.regex(finding?.summary ?? '', /the name was too long/);
  t.deepEqual(see(call({ argument: unread })), []);
  t.is(see(call({ api: 'MXDataIterCreateIter', argument: unread }))[0]?.severity, 'low');
});

test('a name that could not be resolved is low', t => {
  t.like(start()(call({ argument: pathArgument({ place: null, file: null }) }))[0], { rule: 'load.unread-argument', severity: 'low' });
});

test('a load seen only by its open file is judged alike, one seen by both sensors once', t => {
  t.deepEqual(rules(known()(fileOpened({ file: after }))), ['load.not-inspected']);
  const see = known();
  see(call({ argument: pathArgument({ file: after }) }));
  t.deepEqual(see(fileOpened({ file: after, at: noon + second })), []);
  const twice = start();
  twice(fileChanged({ change: 'created' }));
  twice(call());
  twice(fileOpened({ at: noon + second }));
  t.is(twice(later(40 * second)).length, 1);
  t.is(see(fileOpened({ by: process({ pid: 9 }), file: after, at: noon + second })).length, 1);
});

test('a load from memory has no file to judge', t => {
  t.deepEqual(start()(call({ argument: { type: 'buffer', bytes: 10 } })), []);
});

