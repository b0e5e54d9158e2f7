import { readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../contract/component.ts';
import { holdDirectory, makePrivateDirectory, syncDirectory } from '../store/directory.ts';
import { type Checkpoint, headText, originOf, parseCheckpoint, parseHead, type TreeHead } from './checkpoint.ts';
import { TrailDamage } from './damage.ts';
import type { AuditRecord } from './entry.ts';
import { epochFiles } from './epoch-files.ts';
import { beginEpoch, continueEpoch, type EpochWriter } from './epoch-writer.ts';
import { putFile } from './files.ts';
import { createKey, loadKey, nextKeyFile, type TrailKey } from './key.ts';
import { same } from './merkle.ts';
import { vkeyOf } from './note.ts';
import { expire } from './retention.ts';

export interface TrailOptions {
  readonly directory: string;
  readonly keyFile: string;
  readonly hostId: string;
  readonly bootId: string;
  /** The head of the last checkpoint as it is known from elsewhere, so that a trail that was put back or taken away is noticed; null when nothing is known. */
  readonly remembered: string | null;
  readonly log: Log;
}

/** A trail that was not as it was left: its epoch was closed as it is and a new one begun. */
export interface Broken { readonly epoch: number; readonly reason: string }

/**
 * Owns: the trail's directory, alone, and which epoch is written. An epoch that is not as it was left is never written
 * again. Errors are those of the disk, after which the same call may be tried again.
 */
export interface Trail extends Disposable {
  readonly epoch: number;
  /** Entries of the epoch that is written. */
  readonly size: number;
  /** Puts them on disk; how many of them are there, also after an error, is told by `stored`. */
  append(records: readonly AuditRecord[], stored: (count: number) => void): void;
  /** Signs what is there; takes over a new key that waits. */
  sign(keep: boolean): Checkpoint;
  /** Removes what is older; says so in the trail first. Tells how many entries it removed. */
  expire(olderThan: number): number;
  /** What broke since the last call. */
  takeBroken(): readonly Broken[];
}

/** Throws ConfigError when the directory or the key cannot be used, and what the disk throws. */
export function openTrail(options: TrailOptions): Trail {
  const { directory, keyFile, hostId, bootId, log } = options;
  makePrivateDirectory(directory, log);
  using opened = new DisposableStack();
  const hold = opened.use(holdDirectory(directory));
  const remembered = options.remembered === null ? null : knownHead(options.remembered, hostId);
  let broken: Broken[] = [];
  const last = Math.max(0, ...epochsIn(directory));
  const isNew = last === 0 && remembered === null;
  let key = loadKey(keyFile) ?? newKey(keyFile, isNew, log);
  let epoch = Math.max(last, remembered?.epoch ?? 0);
  let writer = opened.use(isNew ? begin(1, null, null) : resume());
  opened.move();

  function resume(): EpochWriter {
    try {
      if (epoch > last) throw new TrailDamage('', 'it is gone');
      return continued();
    } catch (error) {
      if (!(error instanceof TrailDamage)) throw error;
      return succeed(error);
    }
  }

  function continued(): EpochWriter {
    const made = continueEpoch(folderOf(directory, epoch), key.as(originOf(hostId, epoch)), bootId);
    if (made.tornBytes > 0) log.warn('the end of the audit trail was torn by a crash: it is cut off, nothing of it was acknowledged', { bytes: made.tornBytes });
    if (made.mended.length > 0) log.warn('published copies of the audit trail were torn: they are written again from its records', { files: made.mended.join(', ') });
    try {
      if (remembered?.epoch === epoch) expectKnown(made, remembered.head);
      return made;
    } catch (error) { made[Symbol.dispose](); throw error; }
  }

  /** The epoch stays as it is, as evidence; the next one cites what it had signed last. */
  function succeed(damage: TrailDamage): EpochWriter {
    const reason = `${damage.place === '' ? `epoch ${epoch}` : damage.place}: ${damage.message}`;
    log.error('the audit trail is not as it was left: a new epoch begins', { epoch, reason });
    broken.push({ epoch, reason });
    return begin(epoch + 1, reason, lastNote(folderOf(directory, epoch)) ?? (remembered && headText(remembered.head)));
  }

  /** An epoch has its first entry and a checkpoint when it gets its name: one without is damaged. */
  function begin(number: number, reason: string | null, previous: string | null): EpochWriter {
    const folder = folderOf(directory, number);
    const unfinished = `${folder}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    const signer = key.as(originOf(hostId, number));
    {
      using made = beginEpoch(unfinished, bootId);
      made.append([{
        action: 'trail.begun', at: Date.now(), actor: 'agent', object: signer.name, outcome: reason ?? 'first',
        detail: { epoch: number, vkey: vkeyOf(signer), previous },
      }]);
      putVkey(unfinished, vkeyOf(signer));
      made.sign([signer], true);
    }
    renameSync(unfinished, folder);
    syncDirectory(directory);
    epoch = number;
    return continueEpoch(folder, signer, bootId);
  }

  /** Runs it on the epoch that is written; on damage once more on the next one. */
  function onSound<T>(work: (writer: EpochWriter) => T): T {
    try { return work(writer); } catch (error) {
      if (!(error instanceof TrailDamage)) throw error;
      const next = succeed(error);
      writer[Symbol.dispose]();
      writer = next;
      return work(writer);
    }
  }

  function rotate(next: TrailKey): void {
    const [old, made] = [key.as(originOf(hostId, epoch)), next.as(originOf(hostId, epoch))];
    const seq = writer.size;
    writer.append([{
      action: 'key.rotated', at: Date.now(), actor: 'agent', object: made.name, outcome: 'rotated', detail: { from: vkeyOf(old), to: vkeyOf(made) },
    }]);
    writer.sign([made, old], true);
    writer.proveRotation(seq);
    renameSync(nextKeyFile(keyFile), keyFile);
    syncDirectory(dirname(keyFile));
    key = next;
    log.info('the audit trail is signed by a new key', { vkey: vkeyOf(made) });
  }

  return {
    get epoch() { return epoch; },
    get size() { return writer.size; },
    append(records, stored) {
      let done = 0;
      onSound(({ append }) => {
        const before = writer.size;
        try { append(records.slice(done)); } finally { done += writer.size - before; stored(done); }
      });
    },
    sign(keep) {
      const next = loadKey(nextKeyFile(keyFile));
      if (next !== null) onSound(() => rotate(next));
      return onSound(current => current.sign([key.as(originOf(hostId, epoch))], keep));
    },
    expire: olderThan => onSound(current => expire(directory, epoch, current, olderThan)),
    takeBroken() {
      const told = broken;
      broken = [];
      return told;
    },
    [Symbol.dispose]() {
      try { writer[Symbol.dispose](); } finally { hold[Symbol.dispose](); }
    },
  };
}

const mostCited = 8_192;

export const folderOf = (directory: string, epoch: number): string => join(directory, String(epoch));

/** Numbers of the epochs there are, ascending. Throws what reading the folder throws. */
export function epochsIn(directory: string): number[] {
  return readdirSync(directory).flatMap(name => /^[1-9][0-9]{0,8}$/.test(name) ? [Number(name)] : []).sort((one, other) => one - other);
}

function newKey(keyFile: string, isNew: boolean, log: Log): TrailKey {
  const key = createKey(keyFile);
  if (isNew) log.info('a key was made that signs the audit trail: note what `mxwarden audit key show` prints, away from this host', { file: keyFile });
  else log.error('the key that signed the audit trail is gone; a new one was made', { file: keyFile });
  return key;
}

function putVkey(folder: string, vkey: string): void { putFile(join(folder, 'vkey'), Buffer.from(`${vkey}\n`)); }

/** As it lies there, whatever it is worth: cited, not believed. Null when there is none that an entry can hold. */
function lastNote(folder: string): string | null {
  try {
    const bytes = epochFiles(folder).checkpoint();
    return bytes === null || bytes.length > mostCited ? null : parseCheckpoint(bytes).note;
  } catch (error) {
    if (error instanceof RangeError || error instanceof TrailDamage) return null;
    throw error;
  }
}

/** Null for what is no head of this host's: then nothing is known. */
function knownHead(text: string, hostId: string): { readonly epoch: number; readonly head: TreeHead } | null {
  try {
    const head = parseHead(text);
    const epoch = Number(/\/([1-9][0-9]{0,8})$/.exec(head.origin)?.[1] ?? 0);
    return head.origin === originOf(hostId, epoch) ? { epoch, head } : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function expectKnown(writer: EpochWriter, { size, root }: TreeHead): void {
  if (writer.size < size) throw new TrailDamage(`record ${writer.size}`, `it is missing: a checkpoint of ${size} records was signed, and an older trail lies here`);
  if (!same(writer.rootAt(size), root)) throw new TrailDamage(`tree of ${size}`, 'it is not the tree that was signed at this size');
}
