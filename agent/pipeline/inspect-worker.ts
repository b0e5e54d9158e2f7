import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { fileIdentity } from '../../collectors/kernel/procfs/describe.ts';
import { detectors } from '../../detectors/index.ts';
import type { ArtifactDetector } from '../contract/detector.ts';
import type { Beside } from '../contract/artifact.ts';
import type { FileIdentity } from '../contract/file.ts';
import type { Inspection } from '../contract/inspection.ts';
import { bytesOf } from '../contract/text.ts';
import type { Inspected, InspectJob } from './inspect-pool.ts';

/*
 * owns           one file descriptor at a time, the budget of one file
 * must not own   the queue, the cache, the event stream
 * hands over     one answer per job; when it hangs or dies its parent answers for it
 */

const chunk = 4_194_304;
const { configs, nice } = workerData as { readonly configs: ReadonlyMap<string, unknown>; readonly nice: number };
const inspectors = detectors.filter((detector): detector is ArtifactDetector => detector.sees === 'artifact' && configs.has(detector.name));

setPriority(nice);

parentPort?.on('message', (job: InspectJob) => {
  const began = performance.now();
  let answer: Inspected;
  try { answer = inspect(job); } catch (error) {
    answer = { type: 'unread', reason: error instanceof Error && 'code' in error ? String(error.code) : String(error), cause: error instanceof Error && 'code' in error ? 'unreadable' : 'final' };
  }
  parentPort?.postMessage({ id: job.id, answer, ms: performance.now() - began });
});

function inspect(job: InspectJob): Inspected {
  const opened = openRegular(job.candidates, job.expected);
  if (opened === null) return { type: 'unread', reason: 'it is gone, or not the file that was reported', cause: 'final' };
  const { fd, before, path } = opened;
  const neighbour = createNeighbour(path, job);
  try {
    const file = fileIdentity(before);
    if (before.size > BigInt(job.maxBytes)) return { type: 'read', file, sha256: '', ...tooLarge(before.size, job.maxBytes) };
    // The digest rides on the parsers' first pass over the bytes and reads only what they left out.
    const digest = createDigest(fd, file.size);
    const seen = inspectors.map(detector => detector.inspect({ place: job.place, file, read: digest.read, beside: neighbour.look }, configs.get(detector.name)));
    const sha256 = digest.finish();
    if (changed(opened)) return { type: 'unread', reason: 'it changed while it was read', cause: 'changed' };
    if (neighbour.changed()) return { type: 'unread', reason: 'the symbol beside it changed while it was read', cause: 'changed' };
    return { type: 'read', file, sha256, ...(seen[0] ?? notInspected(file.size)), ...neighbour.found() };
  } finally {
    closeSync(fd);
    neighbour.close();
  }
}

interface Opened { readonly fd: number; readonly before: BigIntStats; readonly path: Uint8Array }

function changed({ fd, before }: Opened): boolean {
  const after = fstatSync(fd, { bigint: true });
  return after.size !== before.size || after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs;
}

/** One file of the same folder, opened when it is asked for. */
function createNeighbour(path: Uint8Array, { place, maxBytes }: InspectJob) {
  const folder = (of: Uint8Array) => of.subarray(0, of.lastIndexOf(0x2f) + 1);
  let wanted: string | null = null;
  let opened: Opened | null = null;
  return {
    look(name: string): Beside | null {
      // One is enough for what asks, and leaves one descriptor to close. A name never leads out of the folder.
      if (wanted !== null || name.includes('/')) return null;
      wanted = name;
      try { opened = openRegular([Buffer.concat([folder(path), bytesOf(name)])], null); } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
      }
      if (opened === null || opened.before.size > BigInt(maxBytes)) return null;
      const { fd, before } = opened;
      return { size: Number(before.size), read: createReader(fd, Number(before.size)) };
    },
    changed: () => opened !== null && changed(opened),
    found: () => wanted === null ? {} : { beside: { path: `${place.path.slice(0, place.path.lastIndexOf('/') + 1)}${wanted}`, file: opened && fileIdentity(opened.before) } },
    close() { if (opened) closeSync(opened.fd); },
  };
}

/** The first candidate that is the expected regular file. Devices and FIFOs are never waited for. */
function openRegular(candidates: readonly Uint8Array[], expected: FileIdentity | null): Opened | null {
  for (const path of candidates) {
    let fd: number;
    // A FIFO must not even be opened: whoever waits to write into it would go on.
    if (statSync(Buffer.from(path), { throwIfNoEntry: false })?.isFile() === false) continue;
    try { fd = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY); } catch (error) {
      // Another candidate may do; when none does, the caller says that the file was not read.
      if (error instanceof Error && 'code' in error && candidates.length > 1) continue;
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') continue;
      throw error;
    }
    const before = fstatSync(fd, { bigint: true });
    const identity = fileIdentity(before);
    if (before.isFile() && (expected === null || (identity.device === expected.device && identity.inode === expected.inode))) return { fd, before, path };
    closeSync(fd);
  }
  return null;
}

/** Bytes of an open file, in a buffer of its own that grows to what is asked. */
function createReader(fd: number, size: number) {
  let view = Buffer.alloc(0);
  return (offset: number, length: number): Buffer => {
    const wanted = Math.max(0, Math.min(length, 4 * chunk, size - offset));
    if (view.length < wanted) view = Buffer.allocUnsafeSlow(wanted);
    let got = 0;
    while (got < wanted) {
      const count = readSync(fd, view, got, wanted - got, offset + got);
      if (count === 0) break;
      got += count;
    }
    return view.subarray(0, got);
  };
}

/** Reads for the parsers, hashing whatever comes in order; the rest is read at the end. */
function createDigest(fd: number, size: number) {
  const hash = createHash('sha256');
  const fill = createReader(fd, size);
  let hashed = 0;

  function read(offset: number, length: number): Uint8Array {
    const bytes = fill(offset, length);
    if (offset <= hashed && offset + bytes.length > hashed) {
      hash.update(bytes.subarray(hashed - offset));
      hashed = offset + bytes.length;
    }
    return bytes;
  }

  return {
    read,
    finish(): string {
      while (hashed < size && read(hashed, chunk).length > 0) { /* read() hashes what it reads */ }
      return hash.digest('hex');
    },
  };
}

const nothing = { format: 'unknown', inventory: {} } as const;

const tooLarge = (size: bigint, maxBytes: number): Inspection => ({
  ...nothing, verdict: 'incomplete', coverage: { bytes: Number(size), parsed: 0, skipped: [{ offset: 0, length: Number(size), why: `larger than ${maxBytes} bytes` }] },
  observations: [{
    rule: 'inspect.too-large', severity: 'low', confidence: 1, techniques: [],
    summary: `The file has ${size} bytes, more than the ${maxBytes} that are inspected; it was not read`,
  }],
});

const notInspected = (size: number): Inspection => ({
  ...nothing, verdict: 'unsupported', observations: [], coverage: { bytes: size, parsed: 0, skipped: [{ offset: 0, length: size, why: 'the inspection is switched off' }] },
});
