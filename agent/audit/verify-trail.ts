import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UnavailableError } from '../contract/errors.ts';
import { parseCheckpoint, parseHead, type TreeHead } from './checkpoint.ts';
import { epochFiles, type EpochFiles } from './epoch-files.ts';
import { parseNote, signersOf, type Verifier } from './note.ts';
import { epochsIn, folderOf } from './trail.ts';
import { type EpochReport, verifyEpoch } from './verify.ts';

const mostTries = 5;

/**
 * Every epoch, oldest first, and whether each cites the one before as it lies there. The agent may write meanwhile.
 * Throws UnavailableError when there is no trail, and what the disk throws.
 */
export function verifyTrail(directory: string, keys: readonly Verifier[], only: number | null = null): EpochReport[] {
  const reports: EpochReport[] = [];
  const pruned = new Map<string, number>();
  let cites: string | null = null;
  for (const epoch of existing(directory).toReversed()) {
    const report = steady(epochFiles(folderOf(directory, epoch)), files => verifyEpoch(files, epoch, keys, pruned.get(`epoch ${epoch}`)));
    for (const [name, before] of Object.entries(report.pruned)) pruned.set(name, Math.max(before, pruned.get(name) ?? 0));
    reports.unshift(cites === null ? report : expectCited(report, cites, epochFiles(folderOf(directory, epoch))));
    cites = report.cites;
  }
  return only === null ? reports : reports.filter(({ epoch }) => epoch === only);
}

export function existing(directory: string): number[] {
  const epochs = ((): number[] => {
    try { return epochsIn(directory); } catch (error) {
      if (error instanceof Error && 'code' in error) throw new UnavailableError(`${directory}: cannot be read (${error.code})`);
      throw error;
    }
  })();
  if (epochs.length === 0) throw new UnavailableError(`${directory}: no audit trail is there`);
  return epochs;
}

/** Once more when it was found faulty while somebody wrote. */
function steady(files: EpochFiles, look: (files: EpochFiles) => EpochReport): EpochReport {
  for (let tries = 1; ; tries += 1) {
    const before = stateOf(files);
    const report = look(files);
    if (report.faults.length === 0 || tries === mostTries || stateOf(files) === before) return report;
  }
}

/** Changes with every write. */
function stateOf(files: EpochFiles): string {
  const facts = (name: string) => {
    const found = statSync(join(files.folder, name), { throwIfNoEntry: false, bigint: true });
    return `${found?.ino} ${found?.size} ${found?.mtimeNs}`;
  };
  return [facts('checkpoint'), facts('pending'), ...pendingNames(files).map(name => facts(`pending/${name}`))].join('\n');
}

function pendingNames({ folder }: EpochFiles): string[] {
  try { return readdirSync(join(folder, 'pending')); } catch { return []; }
}

function expectCited(report: EpochReport, cites: string, files: EpochFiles): EpochReport {
  try {
    if (files.checkpoint()?.toString().startsWith(parseTold(cites).text)) return report;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return { ...report, faults: [...report.faults, { place: 'checkpoint', fault: 'it is not the one that the next epoch cites' }] };
}

/** A note, or a head alone where the note was not to be had. */
function parseTold(text: string): { readonly text: string; readonly head: TreeHead } {
  const noted = text.includes('\n\n') ? parseNote(Buffer.from(text)).text : text;
  return { text: noted, head: parseHead(noted) };
}

export interface Held { readonly epoch: number; readonly size: number; readonly fault: string | null }

/**
 * A checkpoint that was kept elsewhere against the trail: whether a key that counts has signed it, and whether the trail
 * still is that tree, or one that continues it.
 */
export function holdCheckpoint(bytes: Buffer, reports: readonly EpochReport[], keysOf: (report: EpochReport) => readonly Verifier[], rootAt: (epoch: number, size: number) => Uint8Array | null): Held {
  const { origin, size, root, parsed } = parseCheckpoint(bytes);
  const report = reports.find(each => each.origin === origin);
  if (report === undefined) return { epoch: 0, size, fault: `it is of ${origin}, and no such epoch is here` };
  const fault = ((): string | null => {
    if (signersOf(parsed, keysOf(report)).length === 0) return 'no known key has signed it';
    if (size > report.records) return `it counts ${size} records, and here are ${report.records}`;
    const found = rootAt(report.epoch, size);
    return found !== null && Buffer.compare(found, root) === 0 ? null : `the first ${size} records here are not those that it signs`;
  })();
  return { epoch: report.epoch, size, fault };
}
