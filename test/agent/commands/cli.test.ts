import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openDatabase } from '../../../agent/store/database.ts';
import { openIncidents } from '../../../agent/store/incidents.ts';
import { openOutbox } from '../../../agent/store/outbox.ts';
import { incident } from '../../builders.ts';
import { run } from '../../services/run.ts';
import { draft } from '../store/drafts.ts';

const bin = new URL('../../../agent/mxwarden', import.meta.url).pathname;
const mxwarden = (...args: string[]) => run(bin, args, { timeoutMs: 60_000 });

async function config(text = ''): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'cli-')), 'agent.config.yaml');
  await writeFile(path, text);
  return path;
}

test('help names every verb and the exit codes, and each verb has an example', async t => {
  const { code, stdout } = await mxwarden('--help');
  t.is(code, 0);
  for (const verb of ['run', 'inspect', 'doctor', 'status', 'replay', 'config', 'outbox', 'incidents', 'audit']) t.regex(stdout, new RegExp(`^  ${verb} `, 'm'));
  t.regex(stdout, /Exit codes: 0/);
  for (const verb of [['run'], ['inspect'], ['doctor'], ['status'], ['replay'], ['config', 'check'], ['config', 'print'], ['config', 'schema'], ['outbox', 'list'], ['outbox', 'show'], ['outbox', 'retry'], ['outbox', 'drop'], ['incidents', 'list'], ['incidents', 'show']]) {
    t.regex((await mxwarden(...verb, '--help')).stdout, /Example:\n {2}mxwarden /, verb.join(' '));
  }
});

test('an unknown verb or option is a usage error', async t => {
  const unknown = await mxwarden('inspekt');
  t.is(unknown.code, 64);
  t.regex(unknown.stderr, /inspekt/);
  t.is((await mxwarden('status', '--fromat', 'json')).code, 64);
  t.is((await mxwarden('status', '--format', 'xml')).code, 64);
});

test('a faulty configuration ends with 78 and points at the place', async t => {
  const file = await config('log:\n  levl: debug\n');
  for (const verb of [['config', 'check'], ['run'], ['status'], ['doctor']]) {
    const { code, stderr } = await mxwarden(...verb, '-c', file);
    t.is(code, 78, verb.join(' '));
    t.regex(stderr, /agent\.config\.yaml:2:3: log\.levl: unknown key; did you mean level\?/);
  }
});

test('a sound configuration is said to be fine', async t => {
  const { code, stdout } = await mxwarden('config', 'check', '-c', await config());
  t.is(code, 0);
  t.regex(stdout, /: fine\n/);
  t.regex(stdout, /forwarders +stdout, file/);
});

test('config check says which exceptions expired, and whose they are', async t => {
  const one = (expires: string) => `{ rule: child.shell, executable: /usr/bin/dash, owner: ml-platform, reason: asks the driver, expires: ${expires} }`;
  const { code, stdout } = await mxwarden('config', 'check', '-c', await config(`exceptions:\n  - ${one('2099-12-31')}\n  - ${one('2020-02-29')}\n`));
  t.is(code, 0);
  t.regex(stdout, /^ {2}exceptions {2}1 in force, 1 expired$/m);
  t.regex(stdout, /^ {4}the exception of ml-platform for child\.shell \(asks the driver\) expired on 2020-02-29 and does nothing$/m);
});

test('the schema is a JSON Schema that knows every plugin', async t => {
  const { code, stdout } = await mxwarden('config', 'schema');
  t.is(code, 0);
  const schema = JSON.parse(stdout) as { properties: Record<string, { properties: Record<string, object> }> };
  t.true('kafka' in (schema.properties['forwarders']?.properties ?? {}));
  t.true('watch' in (schema.properties['collectors']?.properties ?? {}));
  t.is(stdout, await readFile(new URL('../../../docs/agent.config.schema.json', import.meta.url), 'utf8'), 'mxwarden config schema > docs/agent.config.schema.json');
});

test('status and outbox say when no agent is there', async t => {
  const file = await config();
  const status = await mxwarden('status', '-c', file);
  t.is(status.code, 69);
  t.regex(status.stderr, /no agent answers/);
  t.is((await mxwarden('outbox', 'list', '-c', file)).code, 69);
});

test('doctor prints each sensor with what it needs, as text and as JSON', async t => {
  const file = await config();
  const text = await mxwarden('doctor', '-c', file);
  t.true([0, 2].includes(text.code ?? -1), text.stderr);
  for (const sensor of ['watch', 'processes', 'mxnet', 'exec', 'network', 'usage']) t.regex(text.stdout, new RegExp(`^(works|missing|off) +${sensor}`, 'm'));
  t.regex(text.stdout, /^inotify +max_user_watches \d+/m);
  for (const name of ['tracefs', 'uprobes', 'fanotify', 'bpf']) t.regex(text.stdout, new RegExp(`^${name} `, 'm'));
  const json = JSON.parse((await mxwarden('doctor', '-c', file, '--format', 'json')).stdout) as { sensors: { name: string; needs: { has: boolean }[] }[] };
  t.true(json.sensors.length > 5);
});

test('replay refuses what is no recording, with the line', async t => {
  const file = await config();
  const recording = join(file, '../x.jsonl');
  await writeFile(recording, '{"mxwarden":"recording","version":1}\nnot json\n');
  const { code, stderr } = await mxwarden('replay', recording, '-c', file);
  t.is(code, 69);
  t.regex(stderr, /x\.jsonl:2: not a JSON object/);
  t.is((await mxwarden('replay', '/nonexistent', '-c', file)).code, 69);
});

test('inspect says of each file what it is, and exits by the gravest', async t => {
  const folder = join(await config(), '..');
  const honest = Buffer.alloc(32);
  honest.writeUInt32LE(0x112);
  await writeFile(join(folder, 'empty-0000.params'), honest);
  await run('rm', [join(folder, 'agent.config.yaml')]);
  const clean = await mxwarden('inspect', folder, '--format', 'json');
  t.is(clean.code, 0, clean.stdout);
  t.like(JSON.parse(clean.stdout), { format: 'ndarray-container', verdict: 'clean', size: 32 });
  await writeFile(join(folder, 'evil.states'), "cos\nsystem\n(S'id'\ntR.");
  const hostile = await mxwarden('inspect', folder);
  t.is(hostile.code, 1, hostile.stdout);
  t.regex(hostile.stdout, /^MALICIOUS .*evil\.states/m);
  t.regex(hostile.stdout, /2 files: 0 not examined to their end .*1 malicious, 1 clean/);
  const missing = await mxwarden('inspect', join(folder, 'nothing'));
  t.is(missing.code, 2);
  t.is(JSON.parse((await mxwarden('inspect', folder, '--format', 'sarif')).stdout).version, '2.1.0');
});

test('inspect reads names from standard input, one a line or, with line breaks in them, with a NUL behind each', async t => {
  const folder = join(await config(), '..');
  for (const name of ['a.txt', 'b\nc.txt', 'd.txt']) await writeFile(join(folder, name), 'x');
  const inspected = async (names: string, ...options: string[]) => {
    const { stdout } = await run(bin, ['inspect', '--format', 'json', ...options], { timeoutMs: 60_000, input: names });
    return stdout.trim().split('\n').map(line => (JSON.parse(line) as { path: string }).path.slice(folder.length));
  };
  t.deepEqual(await inspected(`${folder}/a.txt\n\n${folder}/d.txt`, '--stdin'), ['/a.txt', '/d.txt']);
  t.deepEqual(await inspected(`${folder}/b\nc.txt\0${folder}/a.txt\0`, '-0'), [String.raw`/b\x0ac.txt`, '/a.txt']);
});

test('inspect holds parameters against the symbol of their prefix, and says on their line what does not fit', async t => {
  const folder = join(await config(), '..');
  await run('rm', [join(folder, 'agent.config.yaml')]);
  const honest = Buffer.alloc(32);
  honest.writeUInt32LE(0x112);
  await writeFile(join(folder, 'net-0000.params'), honest);
  await writeFile(join(folder, 'net-symbol.json'), JSON.stringify({
    nodes: [...['data', 'w', 'b'].map(name => ({ op: 'null', name, inputs: [] })), { op: 'FullyConnected', name: 'fc', attrs: { num_hidden: '4' }, inputs: [[0, 0, 0], [1, 0, 0], [2, 0, 0]] }],
    arg_nodes: [0, 1, 2], node_row_ptr: [0, 1, 2, 3, 4], heads: [[3, 0, 0]], attrs: { mxnet_version: ['int', 10901] },
  }));
  const { code, stdout } = await mxwarden('inspect', folder, '--format', 'json');
  t.is(code, 1);
  const [params, symbol] = stdout.trim().split('\n').map(line => JSON.parse(line));
  t.deepEqual(params.findings.map(({ rule, message }: { rule: string; message: string }) => `${rule}: ${message}`), [
    'model.missing-parameter: Parameter "w" of a layer is not in the parameters file', 'model.missing-parameter: Parameter "b" of a layer is not in the parameters file',
  ]);
  t.is(symbol.verdict, 'clean', JSON.stringify(symbol.findings));
});

test('incidents are listed and told with their story and their tree, beside or without an agent', async t => {
  const file = await config();
  t.is((await mxwarden('incidents', 'list', '-c', file)).code, 69);
  using database = openDatabase(join(file, '../.mxwarden'), { debug() {}, info() {}, warn() {}, error() {} });
  database.transaction(() => openIncidents(database).save([incident({ id: 'i-7f3a', title: 'a model ran a shell' }), incident({ id: 'i-7f3b', severity: 'low' })]));
  const listed = await mxwarden('incidents', 'list', '--severity', 'high', '-c', file);
  t.is(listed.code, 1);
  t.regex(listed.stdout, /high +open +i-7f3a {2}a model ran a shell\n1 incidents/);
  const shown = await mxwarden('incidents', 'show', 'i-7f3a', '-c', file);
  t.is(shown.code, 1);
  t.regex(shown.stdout, /^ HIGH {2}a model ran a shell/);
  t.regex(shown.stdout, /flagged +high child\.shell/);
  t.regex(shown.stdout, /\/usr\/bin\/python3 serve\.py \[4121\].*\n.*└─ .*\[4177\]/);
  t.is(JSON.parse((await mxwarden('incidents', 'show', 'i-7f3b', '--format', 'json', '-c', file)).stdout).id, 'i-7f3b');
  const several = await mxwarden('incidents', 'show', 'i-7f3', '-c', file);
  t.is(several.code, 69);
  t.regex(several.stderr, /several incidents begin with/);
  t.is((await mxwarden('incidents', 'list', '--since', 'yesterday', '-c', file)).code, 64);
});

test('without an agent, dead letters are shown, sent again and dropped by the verb itself', async t => {
  const file = await config('forwarders: { stdout: { enabled: false }, file: { path: ./alerts.jsonl } }');
  {
    using database = openDatabase(join(file, '../.mxwarden'), { debug() {}, info() {}, warn() {}, error() {} });
    const outbox = openOutbox(database, ['file']);
    outbox.append([draft('a', 'low'), draft('b', 'high')]);
    outbox.bury('file', ['a', 'b'], 'no');
    outbox.confirm('file', 2);
  }
  const of = (...words: string[]) => mxwarden('outbox', ...words, '-c', file);
  t.is(JSON.parse((await of('show', 'b', '--format', 'json')).stdout).id, 'b');
  t.is((await of('show', 'c')).code, 69);
  t.is((await of('retry')).code, 64);
  t.regex((await of('retry', '--severity', 'high', '--all')).stdout, /^1 dead letters/);
  t.regex((await of('drop', 'a')).stdout, /^1 dead letters are dropped/);
  t.is((await of('drop', 'a')).code, 1);
  const left = await of('list', '--format', 'json');
  t.like(JSON.parse(left.stdout), { id: 'b', state: 'pending' });
  t.regex((await of('drop', '--pending', '--all')).stdout, /^1 alerts that waited are dropped/);
  t.is((await of('list')).code, 0);
});

test('an inspection of nothing is no success', async t => {
  const folder = join(await config(), '..');
  await run('rm', [join(folder, 'agent.config.yaml')]);
  const nothing = await mxwarden('inspect', folder, '--recursive');
  t.is(nothing.code, 2);
  t.regex(nothing.stderr, /no file was found/);
  t.is((await mxwarden('inspect')).code, 64);
});

test('which operators are expected can be said for each folder of models', async t => {
  const file = await config();
  const folder = join(file, '..');
  const symbol = JSON.stringify({ nodes: [{ op: 'null', name: 'data', inputs: [] }, { op: 'Custom', name: 'c', attrs: { op_type: 'ours' }, inputs: [[0, 0, 0]] }], arg_nodes: [0], node_row_ptr: [0, 1, 2], heads: [[1, 0, 0]], attrs: { mxnet_version: ['int', 10901] } });
  for (const team of ['a', 'b']) {
    await run('mkdir', [join(folder, team)]);
    await writeFile(join(folder, team, 'net-symbol.json'), symbol);
  }
  await writeFile(file, JSON.stringify({ detectors: { inspection: { operators: { scopes: [{ under: `${folder}/a/`, customAllow: ['ours'] }] } } } }));
  const { stdout } = await mxwarden('inspect', join(folder, 'a'), join(folder, 'b'), '--format', 'json', '--policy', file);
  const rules = stdout.trim().split('\n').map(line => JSON.parse(line).findings.some(({ rule, severity }: { rule: string; severity: string }) => rule === 'symbol.custom-operator' && severity !== 'info'));
  t.deepEqual(rules, [false, true]);
  await writeFile(file, JSON.stringify({ detectors: { inspection: { operators: { scopes: [{ under: 'models' }] } } } }));
  t.is((await mxwarden('inspect', folder, '--policy', file)).code, 78);
});
