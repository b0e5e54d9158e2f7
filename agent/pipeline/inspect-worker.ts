import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { detectors } from '../../detectors/index.ts';
import { kindOf } from '../../detectors/formats/kind.ts';
import type { Artifact } from '../contract/artifact.ts';
import type { FileIdentity, Place } from '../contract/file.ts';
import type { Observation } from '../contract/finding.ts';
import { fileIdentity } from '../../collectors/kernel/procfs/describe.ts';
import type { Inspected, InspectJob } from './inspect.ts';

/*
 * owns           one file descriptor at a time, the budget of one file
 * must not own   the queue, the cache, the event stream
 * hands over     one answer per job; when it hangs or dies its parent answers for it
 */

const chunk = 1_048_576;
const headBytes = 4_096;
const configs = workerData as ReadonlyMap<string, unknown>;

/** Hashing must not take the processor from the models that are served. */
setPriority(10);

parentPort?.on('message', async (job: InspectJob) => {
  let answer: Inspected;
  try { answer = await inspect(job); } catch (error) {
    answer = { type: 'unread', reason: error instanceof Error && 'code' in error ? String(error.code) : String(error), again: true };
  }
  parentPort?.postMessage({ id: job.id, answer });
});

async function inspect(job: InspectJob): Promise<Inspected> {
  const opened = openRegular(job.candidates, job.expected);
  if (opened === null) return { type: 'unread', reason: 'it is gone, or not the file that was reported', again: false };
  const { fd, before } = opened;
  try {
    if (before.size > BigInt(job.maxBytes)) return { type: 'read', file: fileIdentity(before), sha256: '', format: 'unknown', verdict: 'incomplete', observations: [tooLarge(before.size, job.maxBytes)] };
    const { sha256, head } = hash(fd, Number(before.size));
    const file = fileIdentity(before);
    const { format } = kindOf(job.place.path, head);
    const observations = await observe({ place: job.place, file, read: reader(fd) });
    const after = fstatSync(fd, { bigint: true });
    if (after.size !== before.size || after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs) return { type: 'unread', reason: 'it changed while it was read', again: true };
    return { type: 'read', file, sha256, format, verdict: verdictOf(observations), observations };
  } finally { closeSync(fd); }
}

/** The first candidate that is the expected regular file. Devices and FIFOs are never waited for. */
function openRegular(candidates: readonly Uint8Array[], expected: FileIdentity | null): { fd: number; before: BigIntStats } | null {
  for (const path of candidates) {
    let fd: number;
    try { fd = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY); } catch (error) {
      // Another candidate may do; when none does, the caller says that the file was not read.
      if (error instanceof Error && 'code' in error) continue;
      throw error;
    }
    const before = fstatSync(fd, { bigint: true });
    const identity = fileIdentity(before);
    if (before.isFile() && (expected === null || (identity.device === expected.device && identity.inode === expected.inode))) return { fd, before };
    closeSync(fd);
  }
  return null;
}

function hash(fd: number, size: number): { sha256: string; head: Uint8Array } {
  const digest = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(chunk, Math.max(size, 1)));
  let head: Uint8Array = new Uint8Array(0);
  for (let at = 0; at < size;) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, size - at), at);
    if (count === 0) break;
    if (at === 0) head = Uint8Array.from(buffer.subarray(0, Math.min(count, headBytes)));
    digest.update(buffer.subarray(0, count));
    at += count;
  }
  return { sha256: digest.digest('hex'), head };
}

const reader = (fd: number): Artifact['read'] => async (offset, length) => {
  const buffer = Buffer.alloc(Math.min(length, 16 * chunk));
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, offset));
};

async function observe(artifact: { place: Place; file: FileIdentity; read: Artifact['read'] }): Promise<Observation[]> {
  const all: Observation[] = [];
  for (const detector of detectors) {
    if (detector.sees !== 'artifact' || !configs.has(detector.name)) continue;
    try { all.push(...await detector.inspect(artifact, configs.get(detector.name), new AbortController().signal)); } catch (error) {
      all.push({
        rule: 'inspect.failed', severity: 'medium', confidence: 0.5, techniques: ['AML.T0076'],
        summary: `${detector.name} could not read ${artifact.place.path} to its end: ${error instanceof RangeError ? error.message : 'it failed'}`,
      });
    }
  }
  return all.slice(0, 200);
}

const tooLarge = (size: bigint, maxBytes: number): Observation => ({
  rule: 'inspect.too-large', severity: 'low', confidence: 1, techniques: [],
  summary: `The file has ${size} bytes, more than the ${maxBytes} that are inspected; it was not read`,
});

/** Nothing is called clean here: no parser has read the file to its last byte. */
function verdictOf(observations: readonly Observation[]): 'suspicious' | 'incomplete' | 'unsupported' {
  if (observations.some(({ rule }) => rule === 'inspect.failed')) return 'incomplete';
  return observations.some(({ severity }) => severity !== 'info') ? 'suspicious' : 'unsupported';
}
