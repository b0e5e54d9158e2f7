import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, mkdtemp, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { Draft, EventOf } from '../../../agent/contract/event.ts';
import type { InspectionRecord } from '../../../agent/contract/inspection.ts';
import { readText } from '../../../agent/contract/text.ts';
import { createInspector } from '../../../agent/pipeline/inspect.ts';
import inspection from '../../../detectors/inspection.ts';
import { fileIdentity } from '../../../collectors/kernel/procfs/describe.ts';
import { fileChanged, mxnetCalled, pathArgument } from '../../builders.ts';
import { container, dense, shape, text } from '../../fixtures/hostile/ndarray.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
type Inspected = EventOf<'artifact.inspected'>;

function rig(options: Partial<{ maxBytes: number; timeoutMs: number; queue: number }> = {}, config: object = {}) {
  const drafts: Draft[] = [];
  const known = new Map<string, InspectionRecord>();
  const inspector = createInspector({ jobs: 1, maxBytes: 4e9, timeoutMs: 20_000, queue: 100, ...options }, new Map([['inspection', inspection.config.parse(config)]]), {
    get: path => known.get(path) ?? null, set: (path, record) => { known.set(path, record); },
  }, { log, proc: '/proc', emit: draft => { drafts.push(draft); } });
  const next = async (count = 1) => {
    for (let tries = 0; drafts.length < count && tries < 2_400; tries++) await delay(25);
    return drafts[count - 1] as unknown as Inspected | undefined;
  };
  return { inspector, drafts, known, next };
}

async function file(name: string | Buffer, content: string | Buffer, folder?: string) {
  folder ??= await mkdtemp(join(tmpdir(), 'inspect-'));
  const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);
  await writeFile(path, content);
  return { path, place: { path: readText(path) }, identity: () => fileIdentity(statSync(path, { bigint: true })) };
}

const layer = { op: 'FullyConnected', name: 'fc', attrs: { num_hidden: '2' }, inputs: [[0, 0, 0], [1, 0, 0], [2, 0, 0]] };
const graph = (weight: string) => JSON.stringify({
  nodes: [...['data', weight, 'b'].map(name => ({ op: 'null', name, inputs: [] })), layer], arg_nodes: [0, 1, 2], node_row_ptr: [0, 1, 2, 3, 4], heads: [[3, 0, 0]], attrs: { mxnet_version: ['int', 10901] },
});
const rulesOf = (seen: Inspected | undefined) => seen?.observations.map(({ rule }) => rule).filter(rule => rule.startsWith('model.'));

test('a changed file is read once, with its digest and its kind', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file('net-0000.params', Buffer.concat([Buffer.from('1201000000000000', 'hex'), Buffer.alloc(100)]));
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  const seen = await next();
  t.like(seen, { kind: 'artifact.inspected', format: 'ndarray-container' });
  t.is(seen?.sha256, createHash('sha256').update(Buffer.concat([Buffer.from('1201000000000000', 'hex'), Buffer.alloc(100)])).digest('hex'));
});

test('a file by which the system is set up is no model and not read', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const [ours, other] = [await file('job', 'x'), await file('system-beside-0000.params', 'y')];
  inspector.see(fileChanged({ place: ours.place, file: ours.identity(), what: 'system' }));
  inspector.see(fileChanged({ place: other.place, file: other.identity() }));
  t.deepEqual((await next())?.place, other.place);
});

test('a name that is not UTF-8 and holds a newline is opened all the same', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file(Buffer.concat([Buffer.from('a\n\\'), Buffer.from([0xff])]), 'x');
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  t.is((await next())?.sha256, createHash('sha256').update('x').digest('hex'));
});

test('an executable under the name of a params file is suspicious', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file('net-0000.params', Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(64)]));
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  const seen = await next();
  t.is(seen?.verdict, 'malicious');
  t.true(seen?.observations.some(observation => observation.rule.startsWith('kind.')));
});

test('an unchanged file that is loaded is told again without being read again', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file('a.params', 'x');
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  await next();
  inspector.see(mxnetCalled({ argument: pathArgument({ place: one.place, file: one.identity() }) }));
  t.is((await next(2))?.sha256, createHash('sha256').update('x').digest('hex'));
});

test('a file whose times were set back is read again: the change time cannot be', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file('a.params', 'honest');
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  await next();
  const before = statSync(one.path);
  await writeFile(one.path, 'h0nest');
  execFileSync('touch', ['-d', `@${before.mtimeMs / 1_000}`, one.path.toString()]);
  inspector.see(mxnetCalled({ argument: pathArgument({ place: one.place, file: one.identity() }) }));
  t.is((await next(2))?.sha256, createHash('sha256').update('h0nest').digest('hex'));
  t.is(inspector.inspected, 2, 'the same size and time are no reason to believe that it is the same');
});

test('a file that was touched, replaced by the same content or copied is hashed and told again, not inspected again', async t => {
  const { inspector, drafts, next } = rig();
  await using _ = inspector;
  const content = Buffer.from(container([dense()], { names: [text('arg:w')] }));
  const one = await file('a.params', content);
  const tell = () => { inspector.see(fileChanged({ place: one.place, file: one.identity() })); };
  tell();
  const first = await next();
  execFileSync('touch', [one.path.toString()]);
  tell();
  t.deepEqual((await next(2))?.file, one.identity(), 'touched');
  await writeFile(`${one.path}.new`, content);
  await rename(`${one.path}.new`, one.path);
  tell();
  t.deepEqual((await next(3))?.file, one.identity(), 'replaced');
  const copy = await file('a.params', content);
  inspector.see(fileChanged({ place: copy.place, file: copy.identity() }));
  await next(4);
  t.is(inspector.inspected, 1);
  for (const draft of drafts as unknown as Inspected[]) t.deepEqual([draft.sha256, draft.verdict, draft.inventory], [first?.sha256, 'clean', first?.inventory]);
});

test('the same content under another name, or where other operators are expected, is inspected', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  await mkdir(join(folder, 'ours'));
  const { inspector, next } = rig({}, { operators: { scopes: [{ under: `${folder}/ours/`, allow: ['Activation'] }] } });
  await using _ = inspector;
  const rules = [];
  for (const [index, path] of ['a-symbol.json', 'b-symbol.json', 'ours/a-symbol.json'].entries()) {
    const one = await file(path, graph('w'), folder);
    inspector.see(fileChanged({ place: one.place, file: one.identity() }));
    rules.push((await next(index + 1))?.observations.some(({ rule }) => rule === 'symbol.operator-not-allowed'));
  }
  t.deepEqual(rules, [false, false, true]);
  t.is(inspector.inspected, 3);
});

test('copied parameters are inspected again unless the symbol beside them is a copy too', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const parameters = Buffer.from(container([dense({ dims: shape([2, 1]) }), dense()], { names: [text('arg:w'), text('arg:b')] }));
  let told = 0;
  async function model(symbol: string | null) {
    const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
    const before = inspector.inspected;
    for (const [name, content] of [['net-symbol.json', symbol], ['net-0000.params', parameters]] as const) {
      if (content === null) continue;
      const one = await file(name, content, folder);
      inspector.see(fileChanged({ place: one.place, file: one.identity() }));
      told += 1;
      await next(told);
    }
    return { read: inspector.inspected - before, rules: rulesOf(await next(told)) };
  }
  const wrong = ['model.unused-parameters', 'model.missing-parameter'];
  t.deepEqual(await model(graph('other')), { read: 2, rules: wrong });
  t.deepEqual(await model(graph('other')), { read: 0, rules: wrong });
  t.deepEqual(await model(graph('w')), { read: 2, rules: [] });
  t.deepEqual(await model(null), { read: 1, rules: [] });
  t.deepEqual(await model(null), { read: 0, rules: [] });
});

test('a FIFO in the place of the file is not waited for', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file('a.params', 'x');
  const reported = one.identity();
  execFileSync('rm', [one.path.toString()]);
  execFileSync('mkfifo', [one.path.toString()]);
  inspector.see(fileChanged({ place: one.place, file: reported }));
  t.like(await next(), { verdict: 'incomplete' });
});

test('a symlink to something else in the place of the file is not taken for it', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file('a.params', 'x');
  const reported = one.identity();
  await rename(one.path, `${one.path}.old`);
  await symlink('/etc/passwd', one.path);
  inspector.see(fileChanged({ place: one.place, file: reported }));
  const seen = await next();
  t.is(seen?.verdict, 'incomplete');
  t.is(seen?.sha256, '');
});

test('a file beyond the limit is incomplete, never clean', async t => {
  const { inspector, next } = rig({ maxBytes: 10 });
  await using _ = inspector;
  const one = await file('a.params', 'x'.repeat(11));
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  t.like(await next(), { verdict: 'incomplete' });
});

test('more files than may wait are counted as lost', async t => {
  const { inspector, drafts } = rig({ queue: 3 });
  await using _ = inspector;
  for (let at = 0; at < 10; at++) inspector.see(fileChanged({ place: { path: `/nonexistent/${at}.params` } }));
  for (let tries = 0; !drafts.some(draft => draft.kind === 'events.lost') && tries < 100; tries++) await delay(50);
  t.like(drafts.find(draft => draft.kind === 'events.lost'), { what: 'artifact.inspected', count: 6 });
});

test('a thread that takes too long is given up and the next file is read', async t => {
  const { inspector, next } = rig({ timeoutMs: 1 });
  await using _ = inspector;
  const one = await file('a.params', Buffer.alloc(50_000_000));
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  t.like(await next(), { verdict: 'incomplete' });
});

test('parameters are held against the symbol beside them, again when it changes and when it was changed unseen', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file('net-0000.params', Buffer.from(container([dense({ dims: shape([2, 1]) }), dense()], { names: [text('arg:w'), text('arg:b')] })));
  const symbol = join(dirname(one.path.toString()), 'net-symbol.json');
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  t.deepEqual(rulesOf(await next()), []);
  await writeFile(symbol, graph('other'));
  inspector.see(mxnetCalled({ argument: pathArgument({ place: one.place, file: one.identity() }) }));
  t.deepEqual(rulesOf(await next(2)), ['model.unused-parameters', 'model.missing-parameter'], 'a load after a symbol came');
  await writeFile(symbol, graph('w'));
  inspector.see(fileChanged({ place: { path: symbol }, file: null, change: 'removed' }));
  t.deepEqual(rulesOf(await next(3)), [], 'a change of the symbol');
  inspector.see(mxnetCalled({ argument: pathArgument({ place: one.place, file: one.identity() }) }));
  await next(4);
  t.is(inspector.inspected, 3, 'nothing changed since');
});

test('a verdict under other settings is void: an unchanged file is read again', async t => {
  const { inspector, known, next } = rig();
  await using _ = inspector;
  const one = await file('a.params', 'x');
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  await next();
  const record = known.get(one.place.path);
  if (record) known.set(one.place.path, { ...record, judgedBy: 'older rules' });
  inspector.see(mxnetCalled({ argument: pathArgument({ place: one.place, file: one.identity() }) }));
  await next(2);
  t.is(inspector.inspected, 2);
});

test('a FIFO in the place of the symbol is not opened: who waits to write into it still waits', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const one = await file('net-0000.params', Buffer.from(container([dense()], { names: [text('arg:w')] })));
  const fifo = join(dirname(one.path.toString()), 'net-symbol.json');
  execFileSync('mkfifo', [fifo]);
  const writer = spawn('sh', ['-c', 'exec 3> "$1"; echo opened', 'sh', fifo], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => { writer.kill('SIGKILL'); });
  let said = '';
  writer.stdout.on('data', piece => { said += String(piece); });
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  t.is((await next())?.verdict, 'clean');
  await delay(300);
  t.is(said, '');
});

test('a small file that grew into a large one meanwhile does not keep a loaded file waiting for those that were asked with it', async t => {
  t.timeout(300_000);
  const { inspector, drafts, next } = rig({ timeoutMs: 200_000 });
  await using _ = inspector;
  const found = [];
  for (const name of ['first', 'grown', 'b', 'c']) {
    const one = await file(`${name}.params`, 'x');
    inspector.see(fileChanged({ place: one.place, file: one.identity(), change: 'found' }));
    // Only a hole, but it is read.
    if (name === 'grown') await truncate(one.path, 3_900_000_000);
    found.push(one.place.path);
  }
  const [first, ...others] = found;
  await next();
  const loaded = await file('loaded.params', 'y');
  inspector.see(mxnetCalled({ argument: pathArgument({ place: loaded.place, file: loaded.identity() }) }));
  for (let tries = 0; drafts.length < 5 && tries < 10_000; tries++) await delay(25);
  const [grown, ...small] = others;
  t.deepEqual((drafts as unknown as Inspected[]).map(({ place }) => place.path), [first, grown, loaded.place.path, ...small]);
});

test('parameters whose path leads elsewhere than to them are no copy: what lies beside them cannot be told by it', async t => {
  const { inspector, next } = rig();
  await using _ = inspector;
  const parameters = Buffer.from(container([dense({ dims: shape([2, 1]) }), dense()], { names: [text('arg:w'), text('arg:b')] }));
  const alone = await file('net-0000.params', parameters);
  inspector.see(fileChanged({ place: alone.place, file: alone.identity() }));
  t.deepEqual(rulesOf(await next()), []);
  const folder = await mkdtemp(join(tmpdir(), 'inspect-'));
  await file('net-symbol.json', graph('other'), folder);
  const copy = await file('net-0000.params', parameters, folder);
  // As a container sees it: only below the root of the process is it found.
  const place = { path: `/nowhere${copy.place.path}`, inside: copy.place.path };
  inspector.see(mxnetCalled({ process: { ...mxnetCalled().process, pid: process.pid }, argument: pathArgument({ place, file: copy.identity() }) }));
  t.deepEqual(rulesOf(await next(2)), ['model.unused-parameters', 'model.missing-parameter']);
});

test('what is read after all, since it is no copy, keeps its place before what is found', async t => {
  const { inspector, drafts, known, next } = rig();
  await using _ = inspector;
  const content = Buffer.from(container([dense()], { names: [text('arg:w')] }));
  const one = await file('a.params', content);
  inspector.see(fileChanged({ place: one.place, file: one.identity() }));
  await next();
  known.clear();
  const copy = await file('a.params', content);
  inspector.see(fileChanged({ place: copy.place, file: copy.identity() }));
  for (let number = 0; number < 64; number += 1) {
    const found = await file(`${number}.bin`, 'x');
    inspector.see(fileChanged({ place: found.place, file: found.identity(), change: 'found' }));
  }
  await next(66);
  t.is((drafts as unknown as Inspected[]).findIndex(({ place }) => place.path === copy.place.path), 1);
});
