import test from 'ava';
import library from '../../detectors/library.ts';
import type { EventOf } from '../../agent/contract/event.ts';
import { identity, memory, mxnetCalled, mxnetMapped, pathArgument, process } from '../builders.ts';

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
