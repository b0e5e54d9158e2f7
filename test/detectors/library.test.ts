import test from 'ava';
import library from '../../detectors/library.ts';
import type { EventOf } from '../../agent/contract/event.ts';
import { identity, libraryMapped, memory, mxnetCalled, mxnetMapped, mxnetRegistered, noon, pathArgument, process } from '../builders.ts';
import { afterLoad, beforeLoad, later, soon, told, unnamed } from './deeds.ts';

const config = library.config.parse({});
const start = (kept = memory(), options = config) => library.create(options, kept);
type Library = EventOf<'mxnet.mapped'>['library'];
const usual: Library = mxnetMapped().library;
const mapped = (change: Partial<Library> = {}) => mxnetMapped({ library: { ...usual, ...change } });
const operators = (path: string, change: Parameters<typeof pathArgument>[0] = {}) =>
  mxnetCalled({ api: 'MXLoadLib', argument: pathArgument({ raw: path, place: { path }, ...change }) });

test('a library in its package is nothing, one elsewhere is medium and says why', t => {
  t.deepEqual(start()(mapped()), []);
  const [finding] = start()(mapped({ place: { path: '/srv/x/libmxnet.so' }, unexpected: 'LD_LIBRARY_PATH names its folder' }));
  t.like(finding, { rule: 'library.unexpected', severity: 'medium' });
  t.regex(finding?.summary ?? '', /"\/srv\/x\/libmxnet\.so", not from its package: LD_LIBRARY_PATH/);
});

test('a folder that the operator expects is fine, its neighbour is not', t => {
  const see = start(memory(), library.config.parse({ expected: ['/opt/mxnet'] }));
  t.deepEqual(see(mapped({ place: { path: '/opt/mxnet/lib/libmxnet.so' }, unexpected: 'x' })), []);
  t.is(see(mapped({ place: { path: '/opt/mxnet-evil/libmxnet.so' }, unexpected: 'x' })).length, 1);
});

test('a new version is low, other bytes under the same version are medium, also after a restart', t => {
  const kept = memory();
  start(kept)(mapped());
  t.like(start(memory(kept.entries))(mapped({ version: '1.9.2', file: identity({ size: 1 }) }))[0], { rule: 'library.replaced', severity: 'low' });
  t.like(start(memory(kept.entries))(mapped({ file: identity({ inode: '78', size: 1 }) }))[0], { rule: 'library.replaced', severity: 'medium' });
});

test('written in place with forged times is noticed by the change time', t => {
  const see = start();
  see(mapped());
  t.is(see(mapped({ file: { ...usual.file, ctimeNs: '9' } }))[0]?.severity, 'medium');
});

test('a container that shows the same library under another device and inode is none', t => {
  const see = start();
  see(mapped());
  t.deepEqual(see(mapped({ file: { ...usual.file, device: '0:55', inode: '4', ctimeNs: '9' } })), []);
});

test('a container that differs in the device alone is none either', t => {
  const see = start();
  see(mapped());
  t.deepEqual(see(mapped({ file: { ...usual.file, device: '0:55', ctimeNs: '9' } })), []);
});

test('the library of another executable is another', t => {
  const see = start();
  see(mapped());
  t.deepEqual(see(mxnetMapped({ process: process({ executable: { path: '/opt/py', file: null } }), library: { ...usual, version: '2.0.0' } })), []);
});

test('an operator library from outside the packages is high, also when the call failed', t => {
  const see = start();
  see(mapped());
  t.like(see(operators('/srv/models/libops.so'))[0], { rule: 'library.operator-library', severity: 'high' });
  const [finding] = see({ ...operators('/srv/models/libops.so'), outcome: 'failed' });
  t.regex(finding?.summary ?? '', /constructors ran/);
});

test('one from the packages of this very process or of the system is low', t => {
  const see = start();
  see(mxnetMapped({ library: { ...usual, place: { path: '/home/u/env/lib/python3.11/site-packages/mxnet/libmxnet.so' } } }));
  t.is(see(operators('/home/u/env/lib/python3.11/site-packages/ops/libops.so'))[0]?.severity, 'low');
  t.is(see(operators('/usr/lib/libops.so'))[0]?.severity, 'low');
  t.is(see(operators('/home/other/env/lib/python3.11/site-packages/ops/libops.so'))[0]?.severity, 'high');
});

test('the packages of a process that had the pid before are not those of this one', t => {
  const see = start();
  see(mxnetMapped({ library: { ...usual, place: { path: '/home/u/env/lib/python3.11/site-packages/mxnet/libmxnet.so' } } }));
  const event = operators('/home/u/env/lib/python3.11/site-packages/ops/libops.so');
  t.is(see({ ...event, process: process({ startTicks: 99 }) })[0]?.severity, 'high');
});

test('one that others may exchange, or whose name was not read, is high anywhere', t => {
  t.is(start()(operators('/usr/lib/libops.so', { access: { uid: 0, mode: 0o666, openFolder: null } }))[0]?.severity, 'high');
  t.is(start()(operators('/usr/lib/libops.so', { access: { uid: 0, mode: 0o644, openFolder: '/usr/lib' } }))[0]?.severity, 'high');
  t.is(start()(mxnetCalled({ api: 'MXLoadLib', argument: { type: 'unread', why: 'fault' } }))[0]?.severity, 'high');
});

test('loads of models are not its business', t => { t.deepEqual(start()(mxnetCalled()), []); });

test('a library from memory, from a deleted file or a temporary folder is high, one from a private build is not', t => {
  for (const path of ['/memfd:x (deleted)', '/srv/x/libmxnet.so (deleted)', '/tmp/libmxnet.so', '/dev/shm/libmxnet.so']) {
    const [finding] = start()(mapped({ place: { path }, unexpected: 'it is in none of the places where a package keeps it' }));
    t.like(finding, { rule: 'library.unexpected', severity: 'high' }, path);
  }
  t.is(start()(mapped({ place: { path: '/home/u/mxnet/build/libmxnet.so' }, unexpected: 'x' }))[0]?.severity, 'medium');
});

type Settings = NonNullable<EventOf<'mxnet.mapped'>['settings']>;
const plain: NonNullable<Settings['environment']> = { preload: [], libraryPath: [], mxnetLibraryPath: null, role: null };
const withSettings = (environment: Partial<typeof plain> | null, preloadFile: readonly string[] = []) =>
  mxnetMapped({ settings: { environment: environment === null ? null : { ...plain, ...environment }, preloadFile } });
const words = (see: ReturnType<typeof start>, event: ReturnType<typeof mxnetMapped>) => see(event).map(({ rule, severity }) => `${rule} ${severity}`);

test('native code put before MXNet is the graver the less its place is one of packages', t => {
  t.deepEqual(words(start(), withSettings({ preload: ['/usr/lib/x86_64-linux-gnu/libjemalloc.so.2'] })), ['library.preload low']);
  t.deepEqual(words(start(), withSettings({ preload: ['libjemalloc.so.2', '/srv/x.so'] })), ['library.preload medium']);
  t.deepEqual(words(start(), withSettings({ preload: ['/usr/lib/../../tmp/x.so'] })), ['library.preload medium']);
  t.deepEqual(words(start(), withSettings({ preload: ['/dev/shm/x.so'] })), ['library.preload high']);
  t.regex(start()(withSettings({ preload: ['/dev/shm/x.so'] }))[0]?.summary ?? '', /LD_PRELOAD, "\/dev\/shm\/x\.so", from a temporary folder/);
});

test('an allocator of the system is told once for one program, code from elsewhere at each start, expected code never', t => {
  const see = start();
  t.is(see(withSettings({ preload: ['libjemalloc.so.2'] })).length, 1);
  t.is(see(withSettings({ preload: ['libjemalloc.so.2'] })).length, 0);
  t.is(see(withSettings({ preload: ['/srv/x.so'] })).length, 1);
  t.is(see(withSettings({ preload: ['/srv/x.so'] })).length, 1);
  t.deepEqual(start(memory(), library.config.parse({ expected: ['/srv'] }))(withSettings({ preload: ['/srv/x.so'] }, ['/srv/y.so'])), []);
});

test('a list of libraries for every program is medium, from elsewhere than the system high', t => {
  t.deepEqual(words(start(), withSettings(null, ['/usr/lib/libsnoopy.so'])), ['library.preload-file medium']);
  t.deepEqual(words(start(), withSettings(null, ['/usr/lib/libsnoopy.so', '/opt/x.so'])), ['library.preload-file high']);
});

test('a search path is told when it leads to a temporary folder or depends on the working directory, an empty entry is not', t => {
  t.deepEqual(words(start(), withSettings({ libraryPath: ['', '/opt/cuda/lib64', ''] })), []);
  t.deepEqual(words(start(), withSettings({ libraryPath: ['/opt/cuda/lib64', 'lib'] })), ['library.search-path low']);
  t.deepEqual(words(start(), withSettings({ libraryPath: ['lib', '/tmp'] })), ['library.search-path medium']);
});

test('a server of a distributed training is medium, its scheduler low, a worker nothing', t => {
  t.deepEqual(words(start(), withSettings({ role: 'server' })), ['library.server-role medium']);
  t.deepEqual(words(start(), withSettings({ role: 'scheduler' })), ['library.server-role low']);
  t.deepEqual(words(start(), withSettings({ role: 'worker' })), []);
  t.deepEqual(words(start(), withSettings({ role: 'Server' })), []);
});

const late = (path: string, unlinked = false, at = soon) => libraryMapped({ id: 'late', at, library: { place: { path }, file: identity(), unlinked } });

test('native code that comes after a load is told unless it lies where packages and the system have theirs', t => {
  const see = afterLoad(start());
  t.deepEqual(told(see(late('/srv/x/op.so'))), ['library.late medium']);
  t.deepEqual(told(see(late('/tmp/op.so'))), ['library.late high']);
  t.deepEqual(told(see(late('/memfd:x (deleted)', true))), ['library.late high']);
  for (const path of ['/usr/lib/x86_64-linux-gnu/libssl.so.3', '/usr/lib/python3.11/lib-dynload/_ssl.so', '/lib64/libnss_dns.so.2']) t.deepEqual(see(late(path)), [], path);
  t.deepEqual(told(see(late('/usr/lib/x.so (deleted)', true))), ['library.late high']);
  t.deepEqual(afterLoad(start(memory(), library.config.parse({ expected: ['/srv/x'] })))(late('/srv/x/op.so')), []);
});

test('the libraries of the interpreter that has this MXNet are its own, those of another folder are not', t => {
  const see = start();
  see(mxnetMapped({ at: noon - 5_000, library: { ...usual, place: { path: '/home/u/venv/lib/python3.11/site-packages/mxnet/libmxnet.so' } } }));
  see(mxnetCalled({ id: 'load' }));
  t.deepEqual(see(late('/home/u/venv/lib/python3.11/site-packages/numpy/core/_umath.so')), []);
  t.deepEqual(told(see(late('/home/u/x.so'))), ['library.late medium']);
});

test('what a program takes into its memory before any load is its habit', t => {
  const kept = memory();
  t.deepEqual(told(beforeLoad(start(kept))(late('/srv/x/op.so', false, noon - 1_000))), ['library.late low']);
  t.deepEqual(afterLoad(start(memory(kept.entries)))(late('/srv/x/op.so')), []);
  t.deepEqual(told(afterLoad(start())(late('/srv/x/op.so', false, later))), ['library.late low']);
});

test('an operator registered after a load is low, once soon after it and once in an hour, those of the import are nothing', t => {
  const see = beforeLoad(start());
  for (let count = 0; count < 5; count++) t.deepEqual(see(mxnetRegistered({ at: noon - 3_000 })), []);
  see(mxnetCalled({ id: 'load' }));
  t.deepEqual(told(see(mxnetRegistered({ id: 'r', at: soon }))), ['library.operator-registered low']);
  t.deepEqual(see(mxnetRegistered({ id: 'r2', at: soon + 1 })), []);
  t.deepEqual(told(see(mxnetRegistered({ id: 'r3', at: later }))), ['library.operator-registered low']);
});

test('every technique that is cited has a name', t => {
  const see = afterLoad(start());
  const all = [withSettings({ preload: ['/tmp/x'], libraryPath: ['/tmp'], role: 'server' }, ['/tmp/x']), late('/tmp/op.so'), late('/memfd:x (deleted)', true), mxnetRegistered({ at: soon })];
  t.deepEqual(unnamed(all.flatMap(event => see(event))), []);
});
