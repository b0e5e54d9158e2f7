import test from 'ava';
import change from '../../detectors/change.ts';
import type { Suspicion } from '../../agent/contract/finding.ts';
import { fileChanged, identity, memory, mxnetCalled, noon, process, processExited, ref } from '../builders.ts';

const start = (kept = memory()) => change.create({}, kept);
const rules = (found: readonly Suspicion[]) => found.map(finding => finding.rule);
const program = (path: string, uid = 1_001, pid = 300) => process({ pid, uid, executable: { path, file: null }, argv: [path] });
const [rsync, cp] = [program('/usr/bin/rsync'), program('/usr/bin/cp')];
const written = identity({ size: 9, ctimeNs: '1795521700000000000' });

test('the first writers of a folder are its history, another user or program later is low', t => {
  const see = start();
  t.deepEqual(see(fileChanged({ by: rsync })), []);
  t.deepEqual(see(fileChanged({ by: rsync })), []);
  const [tool] = see(fileChanged({ by: cp }));
  t.like(tool, { rule: 'change.unexpected-writer', severity: 'low', confidence: 0.3 });
  t.regex(tool?.summary ?? '', /\/usr\/bin\/cp \(pid 300, uid 1001\) wrote "\/srv\/models\/model-0000\.params"; this program was never seen/);
  const [user] = see(fileChanged({ by: program('/usr/bin/cp', 33) }));
  t.like(user, { rule: 'change.unexpected-writer', severity: 'low', confidence: 0.5 });
  t.regex(user?.summary ?? '', /uid 33 never wrote/);
  t.deepEqual(see(fileChanged({ by: cp })), []);
});

test('another folder has another history, and it survives a restart', t => {
  const kept = memory();
  start(kept)(fileChanged({ by: rsync }));
  const see = start(memory(kept.entries));
  t.deepEqual(see(fileChanged({ by: cp, place: { path: '/srv/new/x.params' } })), []);
  t.deepEqual(rules(see(fileChanged({ by: cp }))), ['change.unexpected-writer']);
});

test('a writer that is not known, and a file that was merely found, say nothing of writers', t => {
  const see = start();
  see(fileChanged({ by: rsync }));
  t.deepEqual(see(fileChanged({ by: null })), []);
  t.deepEqual(see(fileChanged({ by: cp, change: 'found' })), []);
});

test('a file replaced under a living loader by somebody unknown is low', t => {
  const see = start();
  see(mxnetCalled({ id: 'load' }));
  const [finding, ...more] = see(fileChanged({ id: 'change', file: written }));
  t.deepEqual(more, []);
  t.like(finding, { rule: 'change.while-loaded', severity: 'low', because: ['change', 'load'] });
  t.regex(finding?.summary ?? '', /Somebody \(the sensor cannot tell who\) wrote .* while \/usr\/bin\/python3 \(pid 4121, uid 1001\) had it loaded$/);
});

test('it is low by a known and expected writer, medium by one never seen in the folder', t => {
  const see = start();
  see(fileChanged({ by: rsync }));
  see(mxnetCalled());
  t.like(see(fileChanged({ by: rsync, file: written }))[0], { rule: 'change.while-loaded', severity: 'low' });
  see(mxnetCalled());
  const found = see(fileChanged({ by: program('/usr/bin/vim', 33), file: written }));
  t.deepEqual(rules(found), ['change.unexpected-writer', 'change.while-loaded']);
  t.is(found[1]?.severity, 'medium');
});

test('removal and renaming away count as well', t => {
  const see = start();
  see(mxnetCalled());
  t.regex(see(fileChanged({ change: 'removed', file: null, access: null }))[0]?.summary ?? '', /removed/);
  const other = start();
  other(mxnetCalled());
  t.deepEqual(rules(other(fileChanged({ change: 'renamed', place: { path: '/srv/models/old' }, from: { path: '/srv/models/model-0000.params' } }))), ['change.while-loaded']);
});

test('the loader, its children and another run of its own program may write', t => {
  const see = start();
  see(mxnetCalled());
  const child = process({ pid: 77, executable: { path: '/usr/bin/cp', file: null }, ancestors: [{ ...ref(), path: '/usr/bin/python3' }] });
  for (const by of [process(), child, process({ pid: 78 })]) t.false(rules(see(fileChanged({ by, file: written }))).includes('change.while-loaded'));
  t.true(rules(see(fileChanged({ by: process({ pid: 79, argv: ['python3', 'other.py'] }), file: written }))).includes('change.while-loaded'));
});

test('the report of a write that the loader has already loaded is no change under it', t => {
  const see = start();
  see(mxnetCalled());
  t.deepEqual(see(fileChanged({ file: identity() })), []);
});

test('a loader that has ended, or whose load failed, has nothing loaded; attributes are not contents', t => {
  const ended = start();
  ended(mxnetCalled());
  ended(processExited());
  t.deepEqual(ended(fileChanged({ file: written })), []);
  const failed = start();
  failed(mxnetCalled({ outcome: 'failed' }));
  t.deepEqual(failed(fileChanged({ file: written })), []);
  const living = start();
  living(mxnetCalled());
  t.deepEqual(living(fileChanged({ change: 'attributes', file: written })), []);
});

test('four loaders of one file are one finding, and a writer that goes on is not told again', t => {
  const see = start();
  for (const pid of [1, 2, 3, 4]) see(mxnetCalled({ process: process({ pid }) }));
  const [finding] = see(fileChanged({ file: written }));
  t.regex(finding?.summary ?? '', /and 3 other processes had it loaded/);
  t.deepEqual(see(fileChanged({ file: identity({ size: 10 }), at: noon + 1 })), []);
});

test('an unknown writer is told once an hour, however often its file is loaded again, a known one each time', t => {
  const see = start();
  const rewrite = (at: number, by = null as ReturnType<typeof process> | null) => {
    see(mxnetCalled({ at: noon + at }));
    return see(fileChanged({ at: noon + at + 1, by, file: identity({ size: at + 1 }) })).length;
  };
  t.deepEqual([0, 600_000, 3_500_000, 3_700_000].map(at => rewrite(at)), [1, 0, 0, 1]);
  t.deepEqual([3_800_000, 3_900_000].map(at => rewrite(at, rsync)), [1, 1]);
});

test('an operator library changed under its loader is medium', t => {
  const see = start();
  see(mxnetCalled({ api: 'MXLoadLib' }));
  t.like(see(fileChanged({ file: written }))[0], { rule: 'change.while-loaded', severity: 'medium' });
});

test('a model that becomes setuid is high, also when it is found so', t => {
  for (const kind of ['attributes', 'found'] as const) {
    const [finding] = start()(fileChanged({ change: kind, access: { uid: 0, gid: 0, mode: 0o4755 } }));
    t.like(finding, { rule: 'change.mode', severity: 'high' });
  }
});

test('a model that becomes world-writable is low, once; one that was found so is left to its load', t => {
  const open = { uid: 1_001, gid: 1_001, mode: 0o666 };
  const see = start();
  t.like(see(fileChanged({ change: 'attributes', access: open }))[0], { rule: 'change.mode', severity: 'low' });
  t.deepEqual(see(fileChanged({ change: 'written', access: open })), []);
  t.deepEqual(start()(fileChanged({ change: 'found', access: open })), []);
  t.deepEqual(start()(fileChanged({ change: 'attributes', access: { ...open, mode: 0o664 } })), []);
});

test('a loader that writes into a folder where others do and it never did is medium, whatever of its tree it is', t => {
  const sh = process({ pid: 77, executable: { path: '/usr/bin/dash', file: null }, ancestors: [{ ...ref(), path: '/usr/bin/python3' }] });
  for (const by of [process(), sh]) {
    const see = start();
    see(fileChanged({ by: rsync }));
    see(mxnetCalled({ id: 'load' }));
    const [own] = see(fileChanged({ id: 'change', by, file: written }));
    t.like(own, { rule: 'change.by-loader', severity: 'medium', because: ['change', 'load'] });
    t.regex(own?.summary ?? '', /wrote a model that it had loaded itself: "\/srv\/models\/model-0000\.params"; others write in that folder, it never did before/);
    t.deepEqual(see(fileChanged({ by, file: written })), []);
  }
});

test('another model, and above all a signature, in such a folder as well', t => {
  const see = start();
  for (const path of ['/srv/models/other.params', '/srv/keys/a.sig', '/srv/fresh/a.sigstore.json']) if (!path.includes('fresh')) see(fileChanged({ by: rsync, place: { path } }));
  see(mxnetCalled());
  const verdict = (path: string) => see(fileChanged({ by: process(), place: { path } })).map(({ rule, severity }) => `${rule} ${severity}`);
  t.deepEqual(verdict('/srv/models/other.params'), ['change.by-loader medium']);
  t.deepEqual(verdict('/srv/keys/a.sig'), ['change.signature-by-loader high']);
  t.deepEqual(verdict('/srv/fresh/a.sigstore.json'), ['change.signature-by-loader medium']);
});

test('where nobody is known to have written, rewriting what it loaded is low, and a new checkpoint is nothing', t => {
  const see = start();
  see(mxnetCalled());
  t.like(see(fileChanged({ by: process(), file: written }))[0], { rule: 'change.by-loader', severity: 'low' });
  const trainer = start();
  trainer(mxnetCalled());
  t.deepEqual(trainer(fileChanged({ by: process(), place: { path: '/srv/models/net-0001.params' } })), []);
});

test('a trainer that always writes where it loads, and a process that has loaded nothing, are not rewriting', t => {
  const trainer = start();
  trainer(fileChanged({ by: process() }));
  trainer(mxnetCalled());
  t.deepEqual(trainer(fileChanged({ by: process(), file: written })), []);
  const see = start();
  see(fileChanged({ by: rsync }));
  t.deepEqual(rules(see(fileChanged({ by: process() }))), ['change.unexpected-writer']);
});

test('a model that becomes setgid and executable is medium, setgid alone only locks', t => {
  t.like(start()(fileChanged({ change: 'attributes', access: { uid: 0, gid: 7, mode: 0o2755 } }))[0], { rule: 'change.mode', severity: 'medium' });
  t.deepEqual(start()(fileChanged({ change: 'attributes', access: { uid: 0, gid: 7, mode: 0o2644 } })), []);
});
