/**
 * Files that are MXNet under another name: hard links and other paths of a known inode at once, copies and executables
 * with MXNet linked in after a look at their symbols. Each file is looked at once, a few at a time.
 */
import type { BigIntStats } from 'node:fs';
import type { FileIdentity } from '../../../agent/contract/file.ts';
import { symbolOffsets } from '../elf.ts';
import type { Located } from './library.ts';
import type { FileMapping } from './maps.ts';
import { isDenied, isGone, readRegular } from './read.ts';
import type { Tally } from './tally.ts';
import { same, statOf } from './view.ts';

/** Each way of loading a model passes one of these. */
const functions = ['MXNDArrayLoad', 'MXNDArrayLoadFromBuffer', 'MXSymbolCreateFromFile', 'MXSymbolCreateFromJSON', 'MXPredCreate', 'MXNDListCreate'];
/** The smallest build, the amalgamated predictor, is several times larger. */
const leastBytes = 1 << 20;
const most = { waiting: 5_000, known: 10_000 };
/** A file made to be slow to read earns the queue a rest of so many times what it took. */
const restFactor = 10;

export interface Suspects {
  /** What is known of a mapped file whose name says nothing; null: it is not MXNet. */
  verdict(mapping: FileMapping, find: () => Located): 'inode' | 'functions' | 'waiting' | null;
  /** This one is MXNet by its name; true when that is news, and its other names are to be looked for. */
  remember(mapping: FileMapping, file: FileIdentity): boolean;
  /** Looks at waiting files for about so long, at least at one; true when one of them is MXNet: its processes are to be looked at again. */
  step(milliseconds: number): boolean;
}

/** An inode number is used again, and a file is written anew: size and times tell. */
interface Known { readonly reason: 'inode' | 'functions' | null; readonly size: string; readonly mtimeNs: string; readonly ctimeNs: string }

/** What is MXNet stays so when it gets another name (which changes ctime); what is not is looked at again after any change. */
const isStill = (known: Known | undefined, { size, mtimeNs, ctimeNs }: BigIntStats): known is Known =>
  known?.size === String(size) && known.mtimeNs === String(mtimeNs) && (known.reason !== null || known.ctimeNs === String(ctimeNs));

export function createSuspects(tally: Tally): Suspects {
  const known = new Map<string, Known>();
  const waiting = new Map<string, { readonly openPath: string; readonly stat: BigIntStats }>();
  let notBefore = 0;

  function learn(key: string, verdict: Known): void {
    if (known.size >= most.known) forgetSome(known);
    known.set(key, verdict);
  }

  /** Removed from the queue first: a file that cannot be read now is met again with its next process. */
  function look(key: string, openPath: string, stat: BigIntStats): boolean {
    waiting.delete(key);
    if (!same(statOf(openPath), stat)) return false;
    const has = hasFunctions(openPath, tally);
    if (has !== null) learn(key, { reason: has ? 'functions' : null, size: String(stat.size), mtimeNs: String(stat.mtimeNs), ctimeNs: String(stat.ctimeNs) });
    return has === true;
  }

  return {
    verdict(mapping, find) {
      const key = keyOf(mapping);
      const before = known.get(key);
      if (waiting.has(key)) return 'waiting';
      if (before === undefined && !mapping.executable) return null;
      const { openPath, stat } = find();
      if (stat === null) return null;
      if (isStill(before, stat)) return before.reason;
      if (!mapping.executable || stat.size < leastBytes) return null;
      if (waiting.size >= most.waiting) { tally.add('mapped file whose symbols were not looked at, too many are waiting', openPath); return null; }
      waiting.set(key, { openPath, stat });
      return 'waiting';
    },
    remember(mapping, { size, mtimeNs, ctimeNs }) {
      const key = keyOf(mapping);
      const before = known.get(key);
      if (size === 0 || (before?.reason === 'inode' && before.mtimeNs === mtimeNs)) return false;
      learn(key, { reason: 'inode', size: String(size), mtimeNs, ctimeNs });
      return true;
    },
    step(milliseconds) {
      const start = performance.now();
      if (start < notBefore) return false;
      let found = false;
      for (const [key, { openPath, stat }] of [...waiting].reverse()) { // the newest first: its process has just begun
        if (look(key, openPath, stat)) found = true;
        if (performance.now() - start >= milliseconds) break;
      }
      const spent = performance.now() - start;
      if (spent > milliseconds) notBefore = start + spent * restFactor;
      return found;
    },
  };
}

/** Null when it cannot be read now. What is executed and is no ELF (an assembly of .NET, an archive of Java) has no symbols to ask. */
function hasFunctions(openPath: string, tally: Tally): boolean | null {
  try {
    const magic = readRegular(openPath, 4)?.bytes.toString('latin1');
    return magic === '\x7fELF' && symbolOffsets(openPath, functions).size > 0;
  } catch (error) {
    if (isGone(error) || isDenied(error)) return null;
    if (!(error instanceof RangeError)) throw error;
    tally.note('mapped executable file whose symbols do not parse', `${openPath}: ${error.message}`);
    return false;
  }
}

function forgetSome(known: Map<string, unknown>): void {
  let count = 0;
  for (const key of known.keys()) { if (count++ > most.known / 10) break; known.delete(key); }
}

const keyOf = (mapping: FileMapping): string => `${mapping.device}:${mapping.inode}`;
