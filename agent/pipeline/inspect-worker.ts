import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { fileIdentity } from '../../collectors/kernel/procfs/describe.ts';
import { detectors } from '../../detectors/index.ts';
import type { ArtifactDetector } from '../contract/detector.ts';
import type { Beside } from '../contract/artifact.ts';
import type { Inspection } from '../contract/inspection.ts';
import { bytesOf } from '../contract/text.ts';
import { changed, chunk, createReader, createRoom, type Opened, openRegular } from './inspect-file.ts';
import type { Inspected, InspectJob, Reply, ThreadData } from './inspect-pool.ts';

/*
 * owns           two file descriptors at a time, the budget of one file
 * must not own   the queue, the cache, the event stream
 * hands over     one reply per job, in their order; when it hangs or dies its parent answers for the job it was at
 */

/** Replies that are ready wait for others at most so long. */
const holdMs = 20;
/** After so long the rest of what was asked at once is given back: who is urgent must not wait for all of it. */
const mostMs = 1_000;
const { configs, nice, at } = workerData as ThreadData;
const inspectors = detectors.filter((detector): detector is ArtifactDetector => detector.sees === 'artifact' && configs.has(detector.name));
const rooms = { file: createRoom(), beside: createRoom() };

setPriority(nice);

parentPort?.on('message', (jobs: string) => {
  let ready: Reply[] = [];
  const start = performance.now();
  let told = start;
  for (const job of JSON.parse(jobs) as readonly InspectJob[]) {
    Atomics.store(at, 1, process.hrtime.bigint());
    Atomics.store(at, 0, BigInt(job.id));
    const began = performance.now();
    const answer: Inspected = job.givesWay === true && began - start > mostMs ? { type: 'postponed' } : answerTo(job);
    const now = performance.now();
    ready.push({ id: job.id, answer, ms: now - began });
    if (now - told < holdMs) continue;
    parentPort?.postMessage(JSON.stringify(ready));
    ready = [];
    told = now;
  }
  if (ready.length > 0) parentPort?.postMessage(JSON.stringify(ready));
});

function answerTo(job: InspectJob): Inspected {
  try { return inspect(job); } catch (error) {
    const system = error instanceof Error && 'code' in error;
    return { type: 'unread', reason: system ? String(error.code) : String(error), cause: system ? 'unreadable' : 'final' };
  }
}

function inspect(job: InspectJob): Inspected {
  const opened = openRegular(job.candidates.map(path => Buffer.from(path, 'latin1')), job.expected);
  if (opened === null) return { type: 'unread', reason: 'it is gone, or not the file that was reported', cause: 'final' };
  const { fd, before, path } = opened;
  const neighbour = createNeighbour(path, job);
  try {
    const file = fileIdentity(before);
    if (before.size > BigInt(job.maxBytes)) return { type: 'read', file, sha256: '', judgedAs: '', ...tooLarge(before.size, job.maxBytes) };
    const judgedAs = contextOf(job);
    const alike = job.known.filter(known => known.judgedAs === judgedAs);
    if (alike.length > 0) {
      const sha256 = createDigest(fd, file.size).finish();
      if (changed(opened)) return { type: 'unread', reason: 'it changed while it was read', cause: 'changed' };
      if (alike.some(known => known.sha256 === sha256)) return { type: 'same', file, sha256, judgedAs };
    }
    // The digest rides on the parsers' first pass over the bytes and reads only what they left out.
    const digest = createDigest(fd, file.size);
    const seen = inspectors.map(detector => detector.inspect({ place: job.place, file, read: digest.read, beside: neighbour.look }, configs.get(detector.name)));
    const sha256 = digest.finish();
    if (changed(opened)) return { type: 'unread', reason: 'it changed while it was read', cause: 'changed' };
    if (neighbour.changed()) return { type: 'unread', reason: 'the symbol beside it changed while it was read', cause: 'changed' };
    return { type: 'read', file, sha256, judgedAs, ...(seen[0] ?? notInspected(file.size)), ...neighbour.found() };
  } finally {
    closeSync(fd);
    neighbour.close();
  }
}

/** The same bytes of a file of the same context are judged alike, as long as their neighbours are alike. */
const contextOf = ({ place }: InspectJob): string =>
  createHash('sha256').update(JSON.stringify(inspectors.map(detector => detector.context(place, configs.get(detector.name))))).digest('hex').slice(0, 16);

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
      return { size: Number(before.size), read: createReader(fd, Number(before.size), rooms.beside) };
    },
    changed: () => opened !== null && changed(opened),
    found: () => wanted === null ? {} : { beside: { path: `${place.path.slice(0, place.path.lastIndexOf('/') + 1)}${wanted}`, file: opened && fileIdentity(opened.before) } },
    close() { if (opened) closeSync(opened.fd); },
  };
}

/** Reads for the parsers, hashing whatever comes in order; the rest is read at the end. */
function createDigest(fd: number, size: number) {
  const hash = createHash('sha256');
  const fill = createReader(fd, size, rooms.file);
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
