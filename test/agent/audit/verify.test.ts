import { cpSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createKey, nextKeyFile } from '../../../agent/audit/key.ts';
import { openTrail } from '../../../agent/audit/trail.ts';
import { existing, verifyTrail } from '../../../agent/audit/verify-trail.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import { faults, filesOf, type Place, place, put, records, written } from './trails.ts';

/** A little of everything: full and partial tiles of two levels, a rotation, records under no checkpoint. */
function rich(at: Place): void {
  written(at, 200, 57, 3);
  createKey(nextKeyFile(at.keyFile));
  using trail = openTrail(at);
  trail.sign(false);
  put(trail, records(260, 4));
}

/** What a fault may be called that a changed byte of this file makes. */
function namesFor(file: string): RegExp {
  const [, bundle] = /^(?:tile\/entries|pending)\/0*(\d+)/.exec(file) ?? [];
  if (bundle !== undefined) return new RegExp(`^1: (record \\d+|tile/entries/|pending/${bundle})`);
  return new RegExp(`^1: (${file.replaceAll('.', '\\.')}|checkpoints?|rotations)`);
}

test('one changed byte in any file of the trail is found, and the record or tile is named', t => {
  t.timeout(120_000);
  const at = place(t);
  rich(at);
  t.deepEqual(faults(at), []);
  let tried = 0;
  for (const [file, whole] of filesOf(at.directory)) {
    const path = join(at.directory, '1', file);
    // Both ends of each file, and a sample of what is between.
    const step = whole.length < 4_000 ? 11 : 1_009;
    for (let offset = 0; offset < whole.length; offset += offset < 20 || offset > whole.length - 20 ? 1 : step) {
      const changed = Buffer.from(whole);
      changed[offset] = (changed[offset] ?? 0) ^ (1 << (offset % 8));
      writeFileSync(path, changed);
      const found = faults(at);
      tried += 1;
      if (found.length === 0) t.fail(`${file}, byte ${offset}: nothing was found`);
      if (!found.some(fault => namesFor(file).test(fault))) t.fail(`${file}, byte ${offset}: ${found.join('; ')}`);
    }
    writeFileSync(path, whole);
  }
  t.true(tried > 600, `${tried}`);
  t.deepEqual(faults(at), []);
});

test('a changed record is named by its number, a changed tile by its path, and nothing else is blamed', t => {
  const at = place(t);
  written(at, 300);
  const change = (file: string, text: string, by: string) => {
    const path = join(at.directory, '1', file);
    const whole = readFileSync(path);
    const offset = text === '' ? 64 : whole.indexOf(text);
    writeFileSync(path, Buffer.concat([whole.subarray(0, offset), Buffer.from(by), whole.subarray(offset + by.length)]));
    const found = faults(at);
    writeFileSync(path, whole);
    return found;
  };
  t.deepEqual(change('tile/entries/000', 'clock 7"', 'clock 8'), ['1: record 8: it is not the one whose hash tile/0/000 has']);
  t.deepEqual(change('tile/0/000', '', 'XX'), ['1: tile/0/000: it is not what its records make']);
  t.deepEqual(change('tile/0/001.p/45', '', 'XX'), ['1: tile/0/001.p/45: it is not what its records make']);
  t.deepEqual(change('tile/1/000.p/1', '', 'XX').map(fault => fault.split(':')[1]), [' tile/1/000.p/1']);
  t.deepEqual(change('pending/1.jsonl', 'clock 290"', 'clock 291').map(fault => fault.split(':')[1]), [' record 291']);
  t.deepEqual(change('tile/entries/001.p/45', 'clock 290"', 'clock 291'), ['1: record 291: the copy in tile/entries/001.p/45 was changed']);
});

test('a record and its tile that were changed together are found by the tile above', t => {
  const at = place(t);
  written(at, 300);
  const donor = place(t);
  written(donor, 299);
  for (const file of ['tile/entries/000', 'tile/0/000']) cpSync(join(donor.directory, '1', file), join(at.directory, '1', file));
  t.regex(faults(at).join('\n'), /tile\/0\/000: it is not what records 0 to 255 make, and both were changed|tree of 301: it does not have the root that was signed/);
});

test('any file of the trail that is missing is missed', t => {
  const at = place(t);
  rich(at);
  for (const [file, whole] of filesOf(at.directory)) {
    // Of these nothing else tells: earlier checkpoints, and the proof of a new key for those who know only the old one.
    if (/^(checkpoints|rotations)\//.test(file)) continue;
    const path = join(at.directory, '1', file);
    unlinkSync(path);
    t.not(faults(at).length, 0, file);
    writeFileSync(path, whole);
  }
  t.deepEqual(faults(at), []);
});

test('a file that nobody of the trail wrote is named', t => {
  const at = place(t);
  written(at, 3);
  writeFileSync(join(at.directory, '1/tile/0/readme'), '');
  t.deepEqual(faults(at), ['1: tile/0/readme: it is not part of the trail']);
});

test('an old epoch that was made to look sound again does not fit what the next one cites', t => {
  const at = place(t);
  written(at, 30);
  const sound = `${at.directory}-sound`;
  cpSync(at.directory, sound, { recursive: true });
  { using trail = openTrail(at); put(trail, records(30, 5)); trail.sign(false); }
  writeFileSync(join(at.directory, '1/tile/0/000.p/36'), 'x');
  { using trail = openTrail(at); trail.sign(false); }
  rmSync(join(at.directory, '1'), { recursive: true });
  cpSync(join(sound, '1'), join(at.directory, '1'), { recursive: true });
  t.deepEqual(faults(at), ['1: checkpoint: it is not the one that the next epoch cites']);
});

test('verifying beside a writer finds nothing', t => {
  const at = place(t);
  using trail = openTrail(at);
  for (let number = 0; number < 600; number += 37) {
    put(trail, records(number, 37));
    if (number % 2 === 0) trail.sign(false);
    t.deepEqual(faults(at), []);
  }
});

test('no trail is no sound trail', t => {
  t.throws(() => existing(place(t).directory), { instanceOf: UnavailableError });
  t.throws(() => verifyTrail('/nonexistent', []), { instanceOf: UnavailableError, message: /ENOENT/ });
});
