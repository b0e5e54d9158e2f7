import { appendFileSync, copyFileSync, cpSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync, chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { headText, parseCheckpoint, signCheckpoint } from '../../../agent/audit/checkpoint.ts';
import { pendingLine } from '../../../agent/audit/epoch-files.ts';
import { createKey, loadKey, nextKeyFile } from '../../../agent/audit/key.ts';
import { parseVkey, signersOf, vkeyOf } from '../../../agent/audit/note.ts';
import { parseProof, proves } from '../../../agent/audit/proof.ts';
import { openTrail } from '../../../agent/audit/trail.ts';
import { verifyTrail } from '../../../agent/audit/verify-trail.ts';
import { ConfigError } from '../../../agent/contract/errors.ts';
import { faults, filesOf, found, hostId, numbers, place, put, records, written } from './trails.ts';

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

test('what was written is read again, in order, across bundles, checkpoints and runs', t => {
  const at = place(t);
  written(at, 1, 254, 300, 7);
  {
    using trail = openTrail(at);
    t.is(trail.size, 563);
    put(trail, records(562, 800));
    t.is(trail.sign(false).size, 1_363);
  }
  t.deepEqual(numbers(at), range(0, 1_362));
  t.deepEqual(found(at).map(({ entry }) => entry.seq), range(0, 1_363));
  t.deepEqual(faults(at), []);
});

test('the first record of a trail names its epoch and its key', t => {
  const at = place(t);
  written(at);
  const key = vkeyOf({ name: `mxwarden/${hostId}/1`, publicKey: loadKey(at.keyFile)?.publicKey ?? new Uint8Array() });
  t.like(found(at)[0]?.entry, { seq: 0, action: 'trail.begun', boot: 'boot-1', outcome: 'first', detail: { epoch: 1, vkey: key, previous: null } });
  t.deepEqual(verifyTrail(at.directory, [parseVkey(key)]).map(({ faults, keys }) => [faults, keys]), [[[], [key]]]);
});

test('every file is private', t => {
  const at = place(t);
  written(at, 300);
  for (const entry of readdirSync(at.directory, { recursive: true, withFileTypes: true })) {
    t.is(statSync(join(entry.parentPath, entry.name)).mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
  }
  t.is(statSync(at.keyFile).mode & 0o777, 0o400);
});

test('what no checkpoint covers yet is there after a restart, and is signed then', t => {
  const at = place(t);
  {
    using trail = openTrail(at);
    put(trail, records(0, 700));
  }
  t.like(verifyTrail(at.directory, [])[0], { signed: 1, records: 701, faults: [] });
  using trail = openTrail(at);
  t.is(trail.sign(false).size, 701);
  t.deepEqual(trail.takeBroken(), []);
});

test('a bundle that was filled after the remembered checkpoint, and not signed before a crash, is no damage', t => {
  const at = place(t);
  let remembered = '';
  {
    using trail = openTrail(at);
    put(trail, records(0, 300));
    remembered = headText(trail.sign(false));
    put(trail, records(300, 500));
  }
  using trail = openTrail({ ...at, remembered });
  t.deepEqual(trail.takeBroken(), []);
  t.deepEqual([trail.epoch, trail.size], [1, 801]);
  t.is(trail.sign(false).size, 801);
  t.deepEqual(faults(at), []);
});

test('nothing new is no new checkpoint', t => {
  const at = place(t);
  using trail = openTrail(at);
  put(trail, records(0, 3));
  t.is(trail.sign(false).note, trail.sign(false).note);
});

test('the end that a crash tore is cut off, said, and written over', t => {
  const at = place(t);
  written(at, 20);
  const file = join(at.directory, '1/pending/0.jsonl');
  const whole = readFileSync(file);
  {
    using trail = openTrail(at);
    put(trail, records(20, 1));
  }
  truncateSync(file, whole.length + 60);
  using trail = openTrail(at);
  t.is(trail.size, 21);
  t.regex(at.log.lines.at(-1)?.message ?? '', /torn by a crash/);
  put(trail, records(20, 2));
  trail.sign(false);
  t.deepEqual(numbers(at), range(0, 22));
  t.deepEqual(faults(at), []);
});

test('published copies that a power cut tore are written again, and said', t => {
  for (const tear of [(path: string) => rmSync(path), (path: string) => truncateSync(path, 0), (path: string) => truncateSync(path, 20), (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size))]) {
    const at = place(t);
    written(at, 300);
    for (const file of ['tile/entries/001.p/45', 'tile/0/001.p/45', 'tile/1/000.p/1']) {
      const path = join(at.directory, '1', file);
      const whole = readFileSync(path);
      tear(path);
      using trail = openTrail(at);
      t.is(trail.epoch, 1, file);
      t.true(readFileSync(path).equals(whole), file);
      t.like(at.log.lines.at(-1), { level: 'warn', fields: { files: file } });
    }
    t.deepEqual(faults(at), []);
  }
});

const ruins: Record<string, readonly [(epoch: string) => void, RegExp]> = {
  'a record was changed': [epoch => edit(join(epoch, 'pending/1.jsonl'), bytes => bytes.subarray(0, 300).indexOf('agent')), /^record 256: /],
  'records are gone': [epoch => truncateSync(join(epoch, 'pending/1.jsonl'), 500), /^record 25\d: it is missing/],
  'the pending file is gone': [epoch => rmSync(join(epoch, 'pending/1.jsonl')), /^record 256: it is missing/],
  'a tile was changed': [epoch => edit(join(epoch, 'tile/0/000'), () => 77), /^tree of 301: tiles and entries do not make the root/],
  'a tile is gone': [epoch => rmSync(join(epoch, 'tile/0/000')), /^tile\/0\/000: it is missing/],
  'a published tile was changed': [epoch => edit(join(epoch, 'tile/1/000.p/1'), () => 5), /^tile\/1\/000\.p\/1: it is not as it was published/],
  'the checkpoint is gone': [epoch => rmSync(join(epoch, 'checkpoint')), /^checkpoint: it is missing/],
  'the checkpoint is of another tree': [epoch => copyFileSync(join(epoch, 'checkpoints/1'), join(epoch, 'checkpoint')), /^$/],
  'the checkpoint is no note': [epoch => writeFileSync(join(epoch, 'checkpoint'), 'x'.repeat(99)), /^checkpoint: a note without signatures/],
  'the checkpoint is not signed': [epoch => edit(join(epoch, 'checkpoint'), bytes => bytes.indexOf('\n301\n') + 3), /^checkpoint: the key in use has not signed it/],
  'the checkpoint is a link': [epoch => { renameSync(join(epoch, 'checkpoint'), join(epoch, 'there')); symlinkSync('there', join(epoch, 'checkpoint')); }, /^checkpoint: it is a symbolic link/],
};

function edit(path: string, where: (bytes: Buffer) => number): void {
  const bytes = readFileSync(path);
  const at = where(bytes);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

for (const [what, [ruin, reason]] of Object.entries(ruins)) {
  test(`a trail that is not as it was left is not written again: a new epoch cites it: ${what}`, t => {
    const at = place(t);
    written(at, 100, 200);
    const last = readFileSync(join(at.directory, '1/checkpoint'), 'utf8');
    ruin(join(at.directory, '1'));
    const evidence = filesOf(at.directory);
    using trail = openTrail(at);
    const [broken] = trail.takeBroken();
    if (reason.source === '^$') {
      // An older checkpoint of the same tree is no lie: what came after it is under none, and is signed anew.
      t.is(broken, undefined);
      t.is(trail.sign(false).size, 301);
      return;
    }
    t.regex(broken?.reason ?? '', reason);
    t.is(trail.epoch, 2);
    put(trail, records(0, 5));
    trail.sign(false);
    t.deepEqual(filesOf(at.directory), evidence, 'the old epoch stays as it is');
    const begun = found({ ...at, directory: withOnly(t, at.directory, 2) })[0]?.entry;
    t.like(begun, { action: 'trail.begun', outcome: broken?.reason, detail: { epoch: 2 } });
    const cited = begun?.detail['previous'];
    if (!['the checkpoint is gone', 'the checkpoint is no note', 'the checkpoint is not signed', 'the checkpoint is a link'].includes(what)) t.is(cited, last);
    t.true(at.log.lines.some(({ level, message }) => level === 'error' && message.includes('new epoch begins')));
    t.deepEqual(faults(at).filter(line => line.startsWith('2: ')), []);
    t.true(faults(at).some(line => line.startsWith('1: ')), 'verify names what is wrong with the old one');
  });
}

/** A copy that has only this epoch. */
function withOnly(t: Parameters<typeof place>[0], directory: string, epoch: number): string {
  const copy = place(t).directory;
  cpSync(join(directory, String(epoch)), join(copy, String(epoch)), { recursive: true });
  return copy;
}

test('records that were changed while the agent runs are noticed before they are signed', t => {
  const at = place(t);
  using trail = openTrail(at);
  put(trail, records(0, 10));
  edit(join(at.directory, '1/pending/0.jsonl'), bytes => bytes.indexOf('clock 7'));
  put(trail, records(10, 1));
  trail.sign(false);
  t.like(trail.takeBroken(), [{ epoch: 1 }]);
  t.is(trail.epoch, 2);
  t.regex(faults(at).join('\n'), /1: record 8: /);
});

test('a record that was replaced together with its hash while the agent runs is noticed before it is signed', t => {
  const at = place(t);
  using trail = openTrail(at);
  put(trail, records(0, 10));
  const file = join(at.directory, '1/pending/0.jsonl');
  const lines = readFileSync(file, 'utf8').split('\n');
  const forged = Buffer.from((lines[8] ?? '').slice(45).replace('clock 7', 'clock 9'));
  lines[8] = pendingLine(forged).toString().slice(0, -1);
  writeFileSync(file, lines.join('\n'));
  trail.sign(false);
  t.deepEqual(trail.takeBroken(), [{ epoch: 1, reason: 'record 8: it is not what was written' }]);
});

test('what somebody wrote behind the last record is cut off by the next one', t => {
  const at = place(t);
  using trail = openTrail(at);
  put(trail, records(0, 3));
  appendFileSync(join(at.directory, '1/pending/0.jsonl'), 'x'.repeat(5_000));
  put(trail, records(3, 1));
  trail.sign(false);
  t.deepEqual(numbers(at), [0, 1, 2, 3]);
  t.deepEqual(faults(at), []);
});

test('a record under no checkpoint that was changed is no torn end when others follow it', t => {
  const at = place(t);
  { using trail = openTrail(at); put(trail, records(0, 9)); }
  edit(join(at.directory, '1/pending/0.jsonl'), bytes => bytes.indexOf('clock 4'));
  using trail = openTrail(at);
  t.regex(trail.takeBroken()[0]?.reason ?? '', /^record 5: its line in pending\/0\.jsonl was changed/);
});

test('an older copy of the trail that was put back is noticed by what is remembered of it', t => {
  const at = place(t);
  written(at, 10);
  const old = `${at.directory}-old`;
  cpSync(at.directory, old, { recursive: true });
  let head = '';
  {
    using trail = openTrail(at);
    put(trail, records(10, 10));
    head = headText(trail.sign(false));
  }
  rmSync(at.directory, { recursive: true });
  renameSync(old, at.directory);
  using trail = openTrail({ ...at, remembered: head });
  t.regex(trail.takeBroken()[0]?.reason ?? '', /record 11: it is missing: a checkpoint of 21 records was signed, and an older trail lies here/);
  t.is(trail.epoch, 2);
});

test('a trail that was forked is noticed by what is remembered of it', t => {
  const at = place(t);
  written(at, 10);
  const fork = `${at.directory}-fork`;
  cpSync(at.directory, fork, { recursive: true });
  let head = '';
  { using trail = openTrail(at); put(trail, records(10, 10)); head = headText(trail.sign(false)); }
  { using trail = openTrail({ ...at, directory: fork }); put(trail, records(50, 30)); trail.sign(false); }
  using trail = openTrail({ ...at, directory: fork, remembered: head });
  t.regex(trail.takeBroken()[0]?.reason ?? '', /tree of 21: it is not the tree that was signed at this size/);
});

test('a trail that was taken away goes on as the next epoch', t => {
  const at = place(t);
  written(at, 10);
  const head = headText(parseCheckpoint(readFileSync(join(at.directory, '1/checkpoint'))));
  rmSync(at.directory, { recursive: true });
  using trail = openTrail({ ...at, remembered: head });
  t.is(trail.epoch, 2);
  t.deepEqual(trail.takeBroken(), [{ epoch: 1, reason: 'epoch 1: it is gone' }]);
  t.like(found(at)[0]?.entry, { detail: { previous: head } });
});

test('what is remembered of another host, or is no head, is nothing', t => {
  for (const remembered of ['', 'x', 'mxwarden/other/3\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n']) {
    using trail = openTrail(place(t, { remembered }));
    t.is(trail.epoch, 1);
    t.deepEqual(trail.takeBroken(), []);
  }
});

test('a lost key ends the epoch: a new key begins the next one', t => {
  const at = place(t);
  written(at, 10);
  rmSync(at.keyFile);
  using trail = openTrail(at);
  t.is(trail.takeBroken()[0]?.reason, 'checkpoint: the key in use has not signed it');
  t.is(trail.epoch, 2);
  t.true(at.log.lines.some(({ level, message }) => level === 'error' && message.includes('key that signed the audit trail is gone')));
});

test('a new key takes over: both sign, the log names it, and either key reads all of it', t => {
  const at = place(t);
  written(at, 300);
  const name = `mxwarden/${hostId}/1`;
  const old = { name, publicKey: loadKey(at.keyFile)?.publicKey ?? new Uint8Array() };
  const next = { name, publicKey: createKey(nextKeyFile(at.keyFile)).publicKey };
  {
    using trail = openTrail(at);
    const both = parseCheckpoint(Buffer.from(trail.sign(false).note));
    t.deepEqual(signersOf(both.parsed, [old, next]), [next, old]);
    put(trail, records(300, 5));
    const { parsed } = parseCheckpoint(Buffer.from(trail.sign(false).note));
    t.deepEqual(signersOf(parsed, [old, next]), [next]);
  }
  t.is(loadKey(nextKeyFile(at.keyFile)), null);
  t.deepEqual(loadKey(at.keyFile)?.publicKey, next.publicKey);
  t.like(found(at)[301]?.entry, { action: 'key.rotated', detail: { from: vkeyOf(old), to: vkeyOf(next) } });
  const proof = parseProof(readFileSync(join(at.directory, '1/rotations/301.tlog-proof')));
  t.true(proof.entry !== null && proves(proof, proof.entry));
  for (const key of [old, next]) t.deepEqual(verifyTrail(at.directory, [key])[0]?.faults, []);
  using again = openTrail(at);
  t.deepEqual(again.takeBroken(), []);
});

test('a key that only added its signature is not taken in', t => {
  const at = place(t);
  written(at, 3);
  const stranger = createKey(`${at.keyFile}.stranger`).as(`mxwarden/${hostId}/1`);
  const file = join(at.directory, '1/checkpoint');
  const signed = parseCheckpoint(readFileSync(file));
  const added = signCheckpoint(signed, [stranger]).note;
  writeFileSync(file, `${signed.note}${added.slice(added.indexOf('— '))}`);
  t.deepEqual(faults(at), ['1: checkpoint: it also has a signature of a key that is not the log\'s']);
  writeFileSync(file, added);
  t.deepEqual(faults(at), ['1: checkpoint: no known key has signed it, or a signature does not hold']);
});

test('a rotation that was cut short is done again', t => {
  const at = place(t);
  written(at, 3);
  const old = readFileSync(at.keyFile);
  createKey(nextKeyFile(at.keyFile));
  const next = readFileSync(nextKeyFile(at.keyFile));
  { using trail = openTrail(at); trail.sign(false); }
  // As if the new key had not yet got its place.
  rmSync(at.keyFile);
  writeFileSync(at.keyFile, old, { mode: 0o400 });
  writeFileSync(nextKeyFile(at.keyFile), next, { mode: 0o400 });
  { using trail = openTrail(at); trail.sign(false); t.deepEqual(trail.takeBroken(), []); }
  t.is(found(at).filter(({ entry }) => entry.action === 'key.rotated').length, 2);
  t.deepEqual(faults(at), []);
});

test('a key that others may read, or that is none, is refused with what to do', t => {
  const at = place(t);
  written(at);
  chmodSync(at.keyFile, 0o440);
  t.throws(() => openTrail(at), { instanceOf: ConfigError, message: /chmod 400/ });
  chmodSync(at.keyFile, 0o600);
  writeFileSync(at.keyFile, 'no key');
  t.throws(() => openTrail(at), { instanceOf: ConfigError, message: /no private key/ });
  t.throws(() => createKey(at.keyFile), { instanceOf: ConfigError, message: /there is a key already/ });
});

test('two writers at once are not possible', t => {
  const at = place(t);
  using _ = openTrail(at);
  t.throws(() => openTrail(at), { instanceOf: ConfigError, message: /in use by another mxwarden/ });
});

test('old records go, the trail says so first, and what is left is provable as before', t => {
  const at = place(t);
  const day = 86_400_000;
  {
    using trail = openTrail(at);
    put(trail, records(0, 600, Date.UTC(2026, 0, 1)));
    put(trail, records(600, 600, Date.UTC(2026, 0, 31)));
    trail.sign(false);
    t.is(trail.expire(Date.UTC(2026, 0, 1) - day), 0);
    t.is(trail.expire(Date.UTC(2026, 0, 10)), 512);
    t.is(trail.expire(Date.UTC(2026, 0, 10)), 0);
    trail.sign(false);
  }
  t.false(filesOf(at.directory).has('tile/entries/001'));
  t.true(filesOf(at.directory).has('tile/0/001'));
  t.like(found(at).at(-1)?.entry, { action: 'trail.pruned', object: 'epoch 1', detail: { before: 512 } });
  t.like(verifyTrail(at.directory, [])[0], { first: 512, records: 1_202, faults: [] });
  using trail = openTrail(at);
  t.deepEqual(trail.takeBroken(), []);
});

test('records that went without a word of the trail are missed', t => {
  const at = place(t);
  written(at, 600);
  rmSync(join(at.directory, '1/tile/entries/000'));
  t.deepEqual(faults(at), ['1: tile/entries/000: records 0 to 255 are missing']);
});

test('records of an epoch that ended long ago go with their epoch', t => {
  const at = place(t);
  written(at, 600);
  edit(join(at.directory, '1/tile/0/000'), () => 0);
  using trail = openTrail(at);
  put(trail, records(0, 5));
  trail.sign(false);
  trail.expire(Date.now() + 86_400_000);
  trail.sign(false);
  t.false(filesOf(at.directory).has('tile/entries/000'));
  t.false(filesOf(at.directory).has('pending/2.jsonl'));
  t.true(filesOf(at.directory).has('checkpoint'));
  t.like(found(at).at(-1)?.entry, { action: 'trail.pruned', object: 'epoch 1' });
  t.deepEqual(faults(at).filter(line => line.includes('are missing')), []);
});
