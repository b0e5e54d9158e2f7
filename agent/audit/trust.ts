import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { attempt, type Blame, damaged, TrailDamage } from './damage.ts';
import { type Entry, parseEntry } from './entry.ts';
import { checkpointPath, type EpochFiles, rotationPath } from './epoch-files.ts';
import { type Note, parseVkey, signersOf, type Verifier, vkeyOf } from './note.ts';
import { parseProof, proves } from './proof.ts';

/** Whose signatures count in one epoch, and the checkpoints that they stand under. */
export interface Trusted {
  /** Null when the epoch's folder does not tell. */
  readonly origin: string | null;
  readonly keys: readonly Verifier[];
  readonly last: Checkpoint | null;
  /** By size, ascending. */
  readonly kept: readonly Checkpoint[];
}

/**
 * Starts from the keys given, or else from the one the epoch says it began with, and takes in those that the log itself
 * names, by a record under a checkpoint that a key known already has signed. What does not hold is told to `blame`.
 */
export function trusted(files: EpochFiles, given: readonly Verifier[], blame: Blame): Trusted {
  const own = attempt(blame, () => ownKey(files));
  const unchecked = attempt(blame, () => readCheckpoint(files, 'checkpoint'));
  const origin = own?.name ?? unchecked?.origin ?? null;
  const keys: Verifier[] = given.length === 0 ? (own ? [own] : []) : given.map(({ publicKey }) => ({ name: origin ?? '', publicKey }));
  for (const seq of files.numbers('rotations')) attempt(blame, () => takeIn(files, seq, keys));
  const signed = (name: string): Checkpoint | null => attempt(blame, () => signedCheckpoint(files, name, origin, keys));
  const last = signed('checkpoint');
  return { origin, keys, last, kept: files.numbers('checkpoints').flatMap(size => expectSize(signed(checkpointPath(size)), size, blame)) };
}

function ownKey(files: EpochFiles): Verifier {
  const text = files.vkey();
  if (text === null) throw new TrailDamage('vkey', 'it is missing');
  try {
    const key = parseVkey(text);
    if (text !== `${vkeyOf(key)}\n`) throw new RangeError('it is not a vkey alone on its line');
    return key;
  } catch (error) { throw damaged('vkey', error); }
}

function readCheckpoint(files: EpochFiles, name: string) {
  const bytes = files.read(name, 65_536);
  if (bytes === null) throw new TrailDamage(name, 'it is missing');
  try { return parseCheckpoint(bytes); } catch (error) { throw damaged(name, error); }
}

function signedCheckpoint(files: EpochFiles, name: string, origin: string | null, keys: readonly Verifier[]): Checkpoint {
  const checkpoint = readCheckpoint(files, name);
  if (checkpoint.origin !== origin) throw new TrailDamage(name, 'it is of another log');
  if (signersOf(checkpoint.parsed, keys).length === 0) throw new TrailDamage(name, 'no known key has signed it, or a signature does not hold');
  expectNoStranger(name, checkpoint.parsed, keys);
  return checkpoint;
}

function expectSize(checkpoint: Checkpoint | null, size: number, blame: Blame): Checkpoint[] {
  if (checkpoint === null) return [];
  if (checkpoint.size === size) return [checkpoint];
  blame(new TrailDamage(checkpointPath(size), `it is one of ${checkpoint.size} records`));
  return [];
}

/** The new key that a record names, if a known key has signed a tree that has the record. */
function takeIn(files: EpochFiles, seq: number, keys: Verifier[]): void {
  const name = rotationPath(seq);
  try {
    const proof = parseProof(files.read(name, 262_144) ?? Buffer.alloc(0));
    if (signersOf(proof.checkpoint.parsed, keys).length === 0) throw new TrailDamage(name, 'no known key has signed it, or a signature does not hold');
    const entry = proof.entry && parseEntry(proof.entry);
    if (proof.entry === null || !proves(proof, proof.entry) || proof.index !== seq || entry?.action !== 'key.rotated') throw new TrailDamage(name, 'it does not prove that the log names a new key');
    learn(entry, keys);
    expectNoStranger(name, proof.checkpoint.parsed, keys);
  } catch (error) { throw damaged(name, error); }
}

/** Only the log's own keys sign what lies here. */
function expectNoStranger(name: string, note: Note, keys: readonly Verifier[]): void {
  if (signersOf(note, keys).length < note.signatures.length) throw new TrailDamage(name, 'it also has a signature of a key that is not the log\'s');
}

/** Both keys of it count, so that whoever was given the new one can read what the old one signed. */
function learn({ detail }: Entry, keys: Verifier[]): void {
  for (const text of [detail['from'], detail['to']]) {
    const key = parseVkey(String(text));
    if (!keys.some(known => vkeyOf(known) === vkeyOf(key))) keys.push(key);
  }
}
