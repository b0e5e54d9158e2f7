import { hash } from 'node:crypto';

/*
 * The Merkle tree of RFC 6962, section 2.1, over SHA-256. A size counts leaves and stays below 2^53; every hash is 32 bytes.
 */

export const hashBytes = 32;
const leafPrefix = Buffer.of(0);
const nodePrefix = Buffer.of(1);

const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

/** Of the tree without leaves. */
export const emptyRoot: Buffer = sha256(Buffer.alloc(0));
export const leafHash = (entry: Uint8Array): Buffer => sha256(Buffer.concat([leafPrefix, entry]));
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.concat([nodePrefix, left, right]));

/** The hash over the 2^height leaves from `index * 2^height` on; throws what reading it throws. */
export type NodeAt = (height: number, index: number) => Uint8Array;

/** MTH(D[start:end]) for a range that begins at a multiple of the power of two not below its length. */
function rangeHash(start: number, end: number, at: NodeAt): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let from = start; from < end;) {
    const height = heightWithin(end - from);
    parts.push(at(height, from / 2 ** height));
    from += 2 ** height;
  }
  return foldRight(parts);
}

/** Perfect subtrees, the largest first, joined from the right. */
export function foldRight(parts: readonly Uint8Array[]): Uint8Array {
  return parts.reduceRight<Uint8Array | null>((right, left) => right === null ? left : nodeHash(left, right), null) ?? emptyRoot;
}

export const rootHash = (size: number, at: NodeAt): Uint8Array => rangeHash(0, size, at);

/** PATH(index, D[size]), section 2.1.1: from the leaf's sibling up. */
export function inclusionProof(index: number, size: number, at: NodeAt): Uint8Array[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  const proof: Uint8Array[] = [];
  for (let start = 0, end = size; end - start > 1;) {
    const middle = start + split(end - start);
    if (index < middle) { proof.push(rangeHash(middle, end, at)); end = middle; } else { proof.push(rangeHash(start, middle, at)); start = middle; }
  }
  return proof.reverse();
}

/** PROOF(from, D[size]), section 2.1.2. Empty for equal sizes and for an empty first tree. */
export function consistencyProof(from: number, size: number, at: NodeAt): Uint8Array[] {
  if (!(from >= 0 && from <= size)) throw new RangeError(`a tree of ${size} does not contain one of ${from}`);
  if (from === 0) return [];
  const proof: Uint8Array[] = [];
  let [start, end] = [0, size];
  // Nothing but the last of the old tree's subtrees is left when the ends meet; it is left out when it is that tree.
  while (from !== end) {
    const middle = start + split(end - start);
    if (from <= middle) { proof.push(rangeHash(middle, end, at)); end = middle; } else { proof.push(rangeHash(start, middle, at)); start = middle; }
  }
  if (start > 0) proof.push(rangeHash(start, end, at));
  return proof.reverse();
}

/** RFC 9162, section 2.1.3.2. */
export function verifyInclusion(leaf: Uint8Array, index: number, size: number, proof: readonly Uint8Array[], root: Uint8Array): boolean {
  if (!(index >= 0 && index < size)) return false;
  const place = { first: index, last: size - 1 };
  let made = leaf;
  for (const sibling of proof) {
    if (place.last === 0) return false;
    made = isRight(place) ? nodeHash(sibling, made) : nodeHash(made, sibling);
    climb(place);
  }
  return place.last === 0 && same(made, root);
}

/** RFC 9162, section 2.1.4.2. Every tree continues the empty one. */
export function verifyConsistency(from: number, size: number, proof: readonly Uint8Array[], fromRoot: Uint8Array, root: Uint8Array): boolean {
  if (from > size || from < 0) return false;
  if (from === size) return proof.length === 0 && same(fromRoot, root);
  if (from === 0) return proof.length === 0 && same(fromRoot, emptyRoot);
  const [seed, ...rest] = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof;
  if (seed === undefined || proof.length === 0) return false;
  const place = { first: from - 1, last: size - 1 };
  while (isOdd(place.first)) halve(place);
  let [old, made] = [seed, seed];
  for (const sibling of rest) {
    if (place.last === 0) return false;
    if (isRight(place)) { old = nodeHash(sibling, old); made = nodeHash(sibling, made); } else made = nodeHash(made, sibling);
    climb(place);
  }
  return place.last === 0 && same(old, fromRoot) && same(made, root);
}

/** Where a walk to the root stands: `first` the node on the path, `last` the right edge of its row. */
interface PathPlace { first: number; last: number }

const isOdd = (value: number): boolean => value % 2 === 1;
const isRight = ({ first, last }: PathPlace): boolean => isOdd(first) || first === last;

function halve(place: PathPlace): void {
  place.first = Math.floor(place.first / 2);
  place.last = Math.floor(place.last / 2);
}

/** One row up; past all rows in which the edge has no sibling. */
function climb(place: PathPlace): void {
  if (isRight(place)) while (!isOdd(place.first) && place.first !== 0) halve(place);
  halve(place);
}

/** The largest power of two below `length`, which is at least 2. */
function split(length: number): number {
  let power = 1;
  while (power * 2 < length) power *= 2;
  return power;
}

/** The height of the largest perfect tree that has no more than `length` leaves. */
function heightWithin(length: number): number {
  let height = 0;
  while (2 ** (height + 1) <= length) height += 1;
  return height;
}

const isPowerOfTwo = (value: number): boolean => 2 ** heightWithin(value) === value;
export const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
