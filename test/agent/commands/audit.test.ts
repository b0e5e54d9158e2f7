import { copyFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openTrail } from '../../../agent/audit/trail.ts';
import { place, put, record, records, written } from '../audit/trails.ts';
import { run } from '../../services/run.ts';

const bin = new URL('../../../agent/mxwarden', import.meta.url).pathname;
const mxwarden = (...args: string[]) => run(bin, ['audit', ...args], { timeoutMs: 60_000 });

async function config(text = ''): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'cli-audit-')), 'agent.config.yaml');
  await writeFile(path, text);
  return path;
}

test.serial('each verb has an example, and a copy of a trail is verified by it', async t => {
  t.timeout(120_000);
  for (const verb of [['verify'], ['prove'], ['verify-proof'], ['consistency'], ['export'], ['list'], ['key', 'show'], ['key', 'create'], ['key', 'rotate']]) {
    t.regex((await mxwarden(...verb, '--help')).stdout, /Example:\n {2}mxwarden audit /, verb.join(' '));
  }
  const at = place(t);
  written(at, 300);
  const sound = await mxwarden('verify', '--directory', at.directory);
  t.is(sound.code, 0);
  t.regex(sound.stdout, /^epoch 1: sound; 301 records$/m);
  t.regex(sound.stdout, /the key was taken from the trail itself/);
  await writeFile(join(at.directory, '1/tile/0/000'), 'x');
  const changed = await mxwarden('verify', '--directory', at.directory, '--format', 'json');
  t.is(changed.code, 1);
  t.like(JSON.parse(changed.stdout), { epoch: 1, faults: [{ place: 'tile/0/000', fault: 'it has 1 bytes instead of 8192' }] });
});

test.serial('another key than the trail\'s is found out', async t => {
  t.timeout(120_000);
  const [one, other] = [place(t), place(t)];
  for (const at of [one, other]) written(at, 3);
  const foreign = (await readFile(join(other.directory, '1/vkey'), 'utf8')).trim();
  t.is((await mxwarden('verify', '--directory', one.directory, '--key', foreign)).code, 1);
  t.is((await mxwarden('verify', '--directory', one.directory, '--key', 'nonsense')).code, 64);
});

test.serial('a record is proved to whoever has the key, and to no one by a proof that was changed', async t => {
  t.timeout(120_000);
  const at = place(t);
  written(at, 300);
  const vkey = (await readFile(join(at.directory, '1/vkey'), 'utf8')).trim();
  const file = join(at.directory, '..', '280.tlog-proof');
  const made = await mxwarden('prove', '280', '--directory', at.directory);
  await writeFile(file, made.stdout);
  const holds = await mxwarden('verify-proof', file, '--key', vkey);
  t.is(holds.code, 0);
  t.regex(holds.stdout, /included: record 280 .*in its tree of 301\n.*signed by the key given\n\{.*"seq":280/);
  t.is((await mxwarden('verify-proof', file)).code, 2);
  await writeFile(file, made.stdout.replace('index 280', 'index 281'));
  t.is((await mxwarden('verify-proof', file, '--key', vkey)).code, 1);
  await writeFile(file, made.stdout.replace('\n301\n', '\n302\n'));
  t.is((await mxwarden('verify-proof', file, '--key', vkey)).code, 1);
  await writeFile(file, 'c2sp.org/tlog-proof@v1\n');
  t.is((await mxwarden('verify-proof', file)).code, 69);
  t.is((await mxwarden('prove', '301', '--directory', at.directory)).code, 69);
  t.is((await mxwarden('prove', '-1', '--directory', at.directory)).code, 64);
});

test.serial('checkpoints that were kept elsewhere are held against the trail', async t => {
  t.timeout(120_000);
  const at = place(t);
  written(at, 10);
  const kept = (name: string) => join(at.directory, '..', name);
  const current = join(at.directory, '1/checkpoint');
  await copyFile(current, kept('old'));
  { using trail = openTrail(at); put(trail, records(10, 400)); trail.sign(false); }
  await copyFile(current, kept('new'));
  const told = await mxwarden('consistency', kept('old'), kept('new'), '--directory', at.directory, '--format', 'json');
  t.is(told.code, 0, told.stderr);
  t.like(JSON.parse(told.stdout), { consistent: true, from: 11, to: 411 });
  t.is((await mxwarden('consistency', kept('new'), kept('old'), '--directory', at.directory)).code, 1);
  t.is((await mxwarden('verify', '--checkpoint', kept('old'), '--directory', at.directory)).code, 0);

  // The same host, the same key, another history of the same length.
  const fork = `${at.directory}-fork`;
  await cp(at.directory, fork, { recursive: true });
  { using trail = openTrail({ ...at, directory: fork }); put(trail, [record(77)]); trail.sign(false); }
  { using trail = openTrail(at); put(trail, [record(410)]); trail.sign(false); }
  await copyFile(join(fork, '1/checkpoint'), kept('forked'));
  const forked = await mxwarden('verify', '--checkpoint', kept('forked'), '--directory', at.directory);
  t.is(forked.code, 1);
  t.regex(forked.stdout, /the first 412 records here are not those that it signs/);
  t.is((await mxwarden('consistency', kept('old'), kept('forked'), '--directory', at.directory)).code, 1);
});

test.serial('records are exported by time, in three formats, and a trail that is not sound says so', async t => {
  t.timeout(120_000);
  const at = place(t);
  { using trail = openTrail(at); put(trail, [record(1, Date.UTC(2026, 0, 1)), record(2, Date.UTC(2026, 0, 2)), record(3, Date.UTC(2026, 0, 3))]); trail.sign(false); }
  const take = (...args: string[]) => mxwarden('export', '--directory', at.directory, '--from', '2026-01-02', '--to', '2026-01-02T23:59:59Z', ...args);
  const lines = await take();
  t.is(lines.code, 0);
  t.like(JSON.parse(lines.stdout), { seq: 2, object: 'clock 2' });
  t.regex((await take('--format', 'csv')).stdout, /^epoch,seq,.*\r\n"1","2",|^epoch,seq,.*\r\n1,2,/);
  t.regex((await take('--format', 'html')).stdout, /epoch 1: sound[\s\S]*<td>clock 2<\/td>/);
  t.is((await take('--from', 'yesterday')).code, 64);
  await writeFile(join(at.directory, '1/tile/0/000.p/4'), 'x');
  const unsound = await take();
  t.is(unsound.code, 1);
  t.regex(unsound.stderr, /tile\/0\/000\.p\/4/);
});

test.serial('the newest records are listed with what hostile text they have escaped', async t => {
  t.timeout(120_000);
  const at = place(t);
  { using trail = openTrail(at); put(trail, [...records(0, 300), { ...record(300), object: 'a\u001b[31m\u202eb' }]); }
  const { stdout, code } = await mxwarden('list', '--last', '2', '--directory', at.directory);
  t.is(code, 0);
  t.is(stdout.split('\n').length, 3);
  t.regex(stdout, /1\/301 .*a\\x1b\[31m\\u\{202e\}b/);
});

test.serial('a key is made once, shown, and followed by the next one; reading a trail leaves a notice', async t => {
  t.timeout(120_000);
  const file = await config();
  t.is((await mxwarden('key', 'show', '-c', file)).code, 69);
  t.is((await mxwarden('key', 'rotate', '-c', file)).code, 69);
  t.is((await mxwarden('verify', '-c', file)).code, 69);
  const made = await mxwarden('key', 'create', '-c', file);
  t.is(made.code, 0, made.stderr);
  t.regex(made.stdout, /^mxwarden\/[0-9a-f]{32}\/1\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}\n$/);
  t.is((await mxwarden('key', 'show', '-c', file)).stdout, made.stdout);
  t.is((await mxwarden('key', 'create', '-c', file)).code, 78);
  const next = await mxwarden('key', 'rotate', '-c', file);
  t.is(next.code, 0);
  t.not(next.stdout, made.stdout);
  t.is((await mxwarden('key', 'rotate', '-c', file)).code, 78);

  const state = join(file, '../.mxwarden');
  const hostId = made.stdout.split('/')[1] ?? '';
  const at = { ...place(t), directory: join(state, 'audit'), keyFile: join(state, 'keys/audit.key'), hostId };
  written(at, 3);
  t.is((await mxwarden('verify', '-c', file, '--key', made.stdout.trim())).code, 0);
  t.is((await readdir(join(state, 'audit/notices'))).length, 1);
  await rm(state, { recursive: true });
});
