import { hashBytes } from './merkle.ts';
import { fromBase64, type Note, parseNote, type Signer, signNote } from './note.ts';

/** A tree head, https://c2sp.org/tlog-checkpoint. */
export interface TreeHead {
  /** Which log: `mxwarden/<host id>/<epoch>`. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}
export interface Checkpoint extends TreeHead {
  /** The signed note whole, as it lies on the disk. */
  readonly note: string;
}

const wholeNumber = /^(0|[1-9][0-9]{0,15})$/;

export const originOf = (hostId: string, epoch: number): string => `mxwarden/${hostId}/${epoch}`;

export const headText = ({ origin, size, root }: TreeHead): string => `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;

export function signCheckpoint(head: TreeHead, signers: readonly Signer[]): Checkpoint {
  return { ...head, note: signNote(headText(head), signers) };
}

/** A decimal number without needless zeros, below 2^53; null for anything else. */
export function parseNumber(text: string): number | null {
  const value = Number(text);
  return wholeNumber.test(text) && Number.isSafeInteger(value) ? value : null;
}

/** Throws RangeError when the text is no tree head. Extension lines are refused: we write none, and they are not part of the tree. */
export function parseHead(text: string): TreeHead {
  const [origin = '', count = '', hash = '', end, ...more] = text.split('\n');
  const size = parseNumber(count);
  const root = fromBase64(hash);
  if (origin === '' || size === null || root?.length !== hashBytes || end !== '' || more.length > 0) throw new RangeError('it is no checkpoint: origin, size and root hash, a line each');
  return { origin, size, root };
}

/** Throws RangeError when it is none. Whether the signatures hold is `signersOf`'s to say. */
export function parseCheckpoint(bytes: Uint8Array): Checkpoint & { readonly parsed: Note } {
  const parsed = parseNote(bytes);
  return { ...parseHead(parsed.text), note: Buffer.from(bytes).toString(), parsed };
}
