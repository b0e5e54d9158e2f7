import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKey, nextKeyFile } from '../../../agent/audit/key.ts';
import { consistencyProof, inclusionProof } from '../../../agent/audit/merkle.ts';
import { parseCheckpoint } from '../../../agent/audit/checkpoint.ts';
import { formatProof } from '../../../agent/audit/proof.ts';
import { nodesIn } from '../../../agent/audit/tile.ts';
import { openTrail } from '../../../agent/audit/trail.ts';
import { installed } from '../../services/cache.ts';
import { parts } from '../../services/parts.ts';
import { testWith } from '../../services/require.ts';
import { run } from '../../services/run.ts';
import { filesOf, found, type Place, place, put, records, written } from './trails.ts';

const verifier = (...args: string[]) => run(join(installed(parts.verifier), 'verifier'), args);
const vkey = (at: Place): string => readFileSync(join(at.directory, '1/vkey'), 'utf8').trim();

testWith(['verifier'], 'a verifier in another language accepts what the agent wrote, of any size, and no other key', async t => {
  for (const batches of [[], [5], [255], [256, 1], [700, 3]]) {
    const at = place(t);
    written(at, ...batches);
    const said = await verifier('log', join(at.directory, '1'), vkey(at));
    t.is(said.code, 0, `${batches}: ${said.stderr}`);
    t.regex(said.stdout, new RegExp(`/1: ${batches.reduce((sum, count) => sum + count, 1)} entries are those that were signed`));
  }
  const [one, other] = [place(t), place(t)];
  for (const at of [one, other]) written(at, 3);
  t.regex((await verifier('log', join(one.directory, '1'), vkey(other))).stderr, /no verifiable signatures/);
});

testWith(['verifier'], 'a tree of three levels is accepted too', async t => {
  const at = place(t);
  {
    using trail = openTrail(at);
    for (let number = 0; number < 66_000; number += 3_000) put(trail, records(number, 3_000));
    trail.sign(false);
  }
  const said = await verifier('log', join(at.directory, '1'), vkey(at));
  t.is(said.code, 0, said.stderr);
  t.regex(said.stdout, /66001 entries/);
});

testWith(['verifier'], 'it accepts what is published alone, and finds a changed byte of it', async t => {
  const at = place(t);
  written(at, 600);
  const copy = join(at.directory, '..', 'outside/1');
  cpSync(join(at.directory, '1'), copy, { recursive: true });
  for (const name of ['pending', 'vkey', 'checkpoints']) rmSync(join(copy, name), { recursive: true });
  t.is((await verifier('log', copy, vkey(at))).code, 0);
  for (const [file, whole] of filesOf(join(at.directory, '..', 'outside'), 1)) {
    const changed = Buffer.from(whole);
    const middle = Math.floor(whole.length / 3);
    changed[middle] = (changed[middle] ?? 0) ^ 4;
    writeFileSync(join(copy, file), changed);
    t.is((await verifier('log', copy, vkey(at))).code, 1, file);
    writeFileSync(join(copy, file), whole);
  }
});

testWith(['verifier'], 'it accepts proofs of inclusion and of consistency, and the proof of a new key', async t => {
  const at = place(t);
  written(at, 40);
  const older = join(at.directory, '1/checkpoint');
  cpSync(older, join(at.directory, 'older'));
  createKey(nextKeyFile(at.keyFile));
  { using trail = openTrail(at); put(trail, records(40, 500)); trail.sign(false); }
  const [from, to] = [join(at.directory, 'older'), older].map(file => parseCheckpoint(readFileSync(file)));
  const tiles = filesOf(at.directory);
  const node = nodesIn((level, index) => [...tiles].find(([name]) => name.startsWith(`tile/${level}/${String(index).padStart(3, '0')}`))?.[1] ?? new Uint8Array());
  if (!from || !to) { t.fail(); return; }
  const hashes = join(at.directory, 'hashes');
  writeFileSync(hashes, consistencyProof(from.size, to.size, node).map(hash => Buffer.from(hash).toString('base64')).join('\n'));
  t.regex((await verifier('consistency', join(at.directory, 'older'), older, hashes, vkey(at))).stderr + (await verifier('consistency', join(at.directory, 'older'), older, hashes, vkey(at))).stdout, /continues that of 41/);
  const proof = join(at.directory, 'proof');
  writeFileSync(proof, formatProof({ index: 300, hashes: inclusionProof(300, to.size, node), checkpoint: to, entry: found(at)[300]?.line ?? null }));
  t.is((await verifier('proof', proof, vkey(at))).code, 0);
  const rotation = await verifier('proof', join(at.directory, '1/rotations/541.tlog-proof'), vkey(at));
  t.regex(rotation.stdout, /"action":"key.rotated"/, rotation.stderr);
});
