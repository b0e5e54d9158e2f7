import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { registry } from '../../../agent/assemble.ts';
import { loadConfig } from '../../../agent/config/load.ts';
import { ConfigError } from '../../../agent/contract/errors.ts';

async function file(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'config-')), 'agent.config.yaml');
  await writeFile(path, text);
  return path;
}

async function refused(t: ExecutionContext, text: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const path = await file(text);
  const error = t.throws(() => loadConfig(path, registry, env), { instanceOf: ConfigError });
  return error?.message.replaceAll(path, 'FILE') ?? '';
}

test('an empty file is a whole configuration', async t => {
  const { config } = loadConfig(await file(''), registry, {});
  t.true(config.detectors.has('crash'));
  t.true(config.forwarders.has('stdout'));
  t.false(config.forwarders.has('kafka'), 'a sink that leaves the host is on only when asked for');
});

test('the configuration that comes with the agent is valid', t => {
  t.notThrows(() => loadConfig(new URL('../../../agent.config.yaml', import.meta.url).pathname, registry, {}));
});

test('an unknown key is an error with line, column and the likely key', async t => {
  t.is(await refused(t, 'log:\n  levl: debug\n'), 'FILE:2:3: log.levl: unknown key; did you mean level?');
  t.regex(await refused(t, 'forwarders:\n  kafak: {}\n'), /^FILE:2:3: forwarders\.kafak: unknown key; did you mean kafka\?$/);
});

test('a wrong value is an error that names its key and place', async t => {
  t.regex(await refused(t, 'inspect:\n  jobs: 99\n'), /^FILE:2:3: inspect\.jobs: .*16/);
});

test('several faults are told at once', async t => {
  t.is((await refused(t, 'log: {levl: 1}\ninspect: {jobs: 0}\n')).split('\n').length, 2);
});

test('broken YAML and a key given twice are errors with a place', async t => {
  t.regex(await refused(t, 'a: [1,\n'), /^FILE:2:1: /);
  t.regex(await refused(t, 'log: {}\nlog: {}\n'), /^FILE:2:1: .*unique/);
});

test('a file that is not there, a folder and a huge file are refused in words', async t => {
  t.regex(t.throws(() => loadConfig('/nonexistent/x.yaml', registry))?.message ?? '', /ENOENT.*--config/);
  t.regex(t.throws(() => loadConfig('/', registry))?.message ?? '', /not a regular file/);
  t.regex(await refused(t, '#'.repeat(1_100_000)), /more than/);
});

test('an alias bomb does not unfold', async t => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]', ...'bcdefghi'.split('').map((name, at) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[at]}`).join(',')}]`)].join('\n');
  const path = await file(bomb);
  t.throws(() => loadConfig(path, registry, {}), { instanceOf: ConfigError });
});

test('an alias that leads nowhere is a fault of the file', async t => {
  t.regex(await refused(t, 'log: { level: *.* }\n'), /^FILE: Unresolved alias.*must be quoted$/);
});

test('references are replaced, and shown as references', async t => {
  const secret = await file('s3cret\n');
  const path = await file(`forwarders:\n  otlp:\n    endpoint: http://\${env:WHERE}:4318\n    headers: { authorization: 'Bearer \${file:${secret}}' }\n`);
  const { config, printable } = loadConfig(path, registry, { WHERE: 'collector.example' });
  const otlp = config.forwarders.get('otlp') as { endpoint: string; headers: Record<string, string> };
  t.is(otlp.endpoint, 'http://collector.example:4318');
  t.is(otlp.headers['authorization'], 'Bearer s3cret');
  const shown = JSON.stringify(printable);
  t.false(shown.includes('s3cret'));
  t.true(shown.includes('${env:WHERE}') && shown.includes(`\${file:${secret}}`));
});

test('a secret that stands in the file itself is not printed', async t => {
  const { printable } = loadConfig(await file(`forwarders:\n  kafka:\n    sasl: { mechanism: plain, username: u, password: hunter2 }\n    tls: {}\n`), registry, {});
  t.false(JSON.stringify(printable).includes('hunter2'));
});

test('a reference to nothing is an error that does not tell what else there is', async t => {
  t.is(await refused(t, 'stateDirectory: ${env:NOPE}\n', { OTHER: 'x' }), 'FILE:1:17: stateDirectory: the environment has no variable "NOPE"');
  t.regex(await refused(t, 'stateDirectory: ${file:relative}\n'), /absolute path/);
});

test('state is beside the file, or where the service manager says', async t => {
  const path = await file('');
  t.is(loadConfig(path, registry, {}).config.stateDirectory, join(path, '../.mxwarden'));
  t.is(loadConfig(path, registry, { STATE_DIRECTORY: '/var/lib/mxwarden' }).config.stateDirectory, '/var/lib/mxwarden');
});

test('a plugin can be switched off', async t => {
  t.false(loadConfig(await file('detectors: { crash: { enabled: false } }'), registry, {}).config.detectors.has('crash'));
});

const fine = 'rule: child.shell, executable: /usr/bin/dash, owner: ml-platform, reason: asks the driver, expires: 2027-03-31';

test('an exception has a rule, a fact, an owner, a reason and a last day', async t => {
  const { config } = loadConfig(await file(`exceptions: [{ ${fine} }]`), registry, {});
  t.like(config.exceptions[0], { rule: 'child.shell', expires: '2027-03-31' });
  for (const key of ['rule', 'owner', 'reason', 'expires']) t.regex(await refused(t, `exceptions:\n  - { ${fine.replace(new RegExp(`${key}: [^,]+(, )?`), '')} }\n`), new RegExp(`^FILE:2:5: exceptions\\.0\\.${key}: `), key);
  t.regex(await refused(t, `exceptions:\n  - { ${fine.replace('executable: /usr/bin/dash, ', '')} }\n`), /^FILE:2:5: exceptions\.0: needs at least one of executable/);
});

test('an exception that cannot be meant is refused with its place', async t => {
  for (const [from, to] of [['2027-03-31', 'next year'], ['2027-03-31', '2027-02-30'], ['child.shell', 'shell'], ['child.shell', "'*.*'"], ['executable: /usr/bin/dash', 'address: 10.0.0.0/33'], ['executable: /usr/bin/dash', 'address: db.example'], ['executable: /usr/bin/dash', 'port: 0'], ['executable: /usr/bin/dash', 'path: models'], ['ml-platform', '" "']] as const) {
    t.regex(await refused(t, `exceptions:\n  - { ${fine.replace(from, to)} }\n`), /^FILE:2:\d+: exceptions\.0\./, to);
  }
  t.regex(await refused(t, `exceptions:\n  - { ${fine}, expire: 2027-01-01 }\n`), /exceptions\.0\.expire: unknown key; did you mean expires\?/);
});
