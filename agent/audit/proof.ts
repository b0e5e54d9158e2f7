import { type Checkpoint, parseCheckpoint, parseNumber } from './checkpoint.ts';
import { hashBytes, leafHash, verifyInclusion } from './merkle.ts';
import { fromBase64 } from './note.ts';

/** That one entry is in a tree, https://c2sp.org/tlog-proof: all that an outsider needs but the log's key. */
export interface Proof {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: Checkpoint;
  /** The entry itself, so that a reader need not look for it elsewhere; null when it is not here any more. Only the proof makes it true. */
  readonly entry: Buffer | null;
}

const head = 'c2sp.org/tlog-proof@v1';
/** Of a tree of 2^53 leaves. */
const mostHashes = 53;
const mostBytes = 262_144;

export function formatProof({ index, hashes, checkpoint, entry }: Proof): string {
  const extra = entry === null ? [] : [`extra ${entry.toString('base64')}`];
  return [head, ...extra, `index ${index}`, ...hashes.map(hash => Buffer.from(hash).toString('base64')), '', checkpoint.note].join('\n');
}

/** Throws RangeError when it is no proof. Nothing of it is verified. */
export function parseProof(bytes: Buffer): Proof & { readonly checkpoint: ReturnType<typeof parseCheckpoint> } {
  if (bytes.length > mostBytes) throw new RangeError(`a proof of more than ${mostBytes} bytes`);
  const end = bytes.indexOf('\n\n');
  const [first, ...lines] = bytes.subarray(0, Math.max(end, 0)).toString().split('\n');
  if (first !== head) throw new RangeError(`it does not begin with ${head}`);
  const extra = lines[0]?.startsWith('extra ') ? fromBase64(lines.shift()?.slice(6) ?? '') : undefined;
  const index = parseNumber(/^index (.*)$/.exec(lines.shift() ?? '')?.[1] ?? '');
  const hashes = lines.map(fromBase64);
  if (extra === null || index === null || hashes.length > mostHashes || !hashes.every(hash => hash?.length === hashBytes)) {
    throw new RangeError('it is no proof: an index and hashes, a line each');
  }
  return { index, hashes: hashes.filter(hash => hash !== null), checkpoint: parseCheckpoint(bytes.subarray(end + 2)), entry: extra ?? null };
}

/** Whether this entry is at its place in the tree of the checkpoint; that somebody signed the checkpoint is another question. */
export const proves = ({ index, hashes, checkpoint: { size, root } }: Proof, entry: Uint8Array): boolean => verifyInclusion(leafHash(entry), index, size, hashes, root);
