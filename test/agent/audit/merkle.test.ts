import { createHash } from 'node:crypto';
import test from 'ava';
import { createFrontier } from '../../../agent/audit/frontier.ts';
import { consistencyProof, emptyRoot, inclusionProof, leafHash, nodeHash, rootHash, same, verifyConsistency, verifyInclusion } from '../../../agent/audit/merkle.ts';
import { nodesIn, partialTiles } from '../../../agent/audit/tile.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const h = (text: string): Buffer => Buffer.from(text, 'hex');

// The leaves, roots and proofs by which implementations of RFC 6962 are commonly held against one another.
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(h);
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** MTH by its definition in RFC 6962, section 2.1. */
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return createHash('sha256').digest();
  if (leaves.length === 1) return leaves[0] ?? emptyRoot;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

const atIn = (leaves: readonly Uint8Array[]) => (height: number, index: number): Uint8Array => mth(leaves.slice(index * 2 ** height, (index + 1) * 2 ** height));
const known = inputs.map(leafHash);

test('the roots of the first eight trees are the known ones', t => {
  t.is(hex(emptyRoot), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  const frontier = createFrontier();
  for (const [index, leaf] of known.entries()) {
    frontier.add(leaf);
    t.is(hex(frontier.root()), roots[index] ?? '');
    t.is(hex(rootHash(index + 1, atIn(known))), roots[index] ?? '');
  }
});

test('proofs are the known ones', t => {
  const [a, b, c] = ['96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7', '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e', '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4'];
  const at = atIn(known);
  t.deepEqual(inclusionProof(0, 8, at).map(hex), [a, b, c]);
  t.deepEqual(inclusionProof(0, 1, at), []);
  t.deepEqual(consistencyProof(1, 8, at).map(hex), [a, b, c]);
  t.deepEqual(consistencyProof(6, 8, at).map(hex), ['0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a', 'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0', roots[3]]);
  t.deepEqual(consistencyProof(2, 5, at).map(hex), [b, 'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b']);
});

const many = Array.from({ length: 70 }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));

test('every proof in every tree up to seventy leaves holds, for its own place, leaf and roots alone', t => {
  t.timeout(60_000);
  const at = atIn(many);
  const rootsOfMany = Array.from({ length: 71 }, (_, size) => mth(many.slice(0, size)));
  for (let size = 1; size <= 70; size++) {
    const root = rootsOfMany[size] ?? emptyRoot;
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(index, size, at);
      const leaf = many[index] ?? emptyRoot;
      if (!verifyInclusion(leaf, index, size, proof, root)) t.fail(`inclusion ${index} in ${size}`);
      if (size > 1 && verifyInclusion(leaf, index, size, proof.slice(1), root)) t.fail(`cut ${index} in ${size}`);
      if (verifyInclusion(leaf, index, size, [...proof, root], root)) t.fail(`longer ${index} in ${size}`);
      if (verifyInclusion(leaf, (index + 1) % size, size, proof, root) && size > 1) t.fail(`elsewhere ${index} in ${size}`);
    }
    for (let from = 0; from <= size; from++) {
      const proof = consistencyProof(from, size, at);
      const old = rootsOfMany[from] ?? emptyRoot;
      if (!verifyConsistency(from, size, proof, old, root)) t.fail(`consistency ${from} to ${size}`);
      if (from > 0 && from < size && verifyConsistency(from, size, proof, leafHash(old), root)) t.fail(`of another tree ${from} to ${size}`);
      if (from > 0 && from < size && verifyConsistency(from, size, proof, old, leafHash(root))) t.fail(`to another tree ${from} to ${size}`);
      if (from > 0 && verifyConsistency(from, size, proof, root, old) && from < size) t.fail(`swapped ${from} to ${size}`);
      if (from > 0 && from < size && verifyConsistency(from, size, proof.slice(0, -1), old, root)) t.fail(`cut ${from} to ${size}`);
    }
  }
  t.pass();
});

test('a place outside the tree is refused', t => {
  const at = atIn(many);
  t.throws(() => inclusionProof(5, 5, at), { instanceOf: RangeError });
  t.throws(() => inclusionProof(-1, 5, at), { instanceOf: RangeError });
  t.throws(() => consistencyProof(6, 5, at), { instanceOf: RangeError });
  t.false(verifyInclusion(known[0] ?? emptyRoot, 3, 2, [], emptyRoot));
  t.false(verifyConsistency(3, 2, [], emptyRoot, emptyRoot));
  t.false(verifyConsistency(2, 3, [], emptyRoot, emptyRoot));
});

test('tiles of a tree of three levels give its root, its proofs and its earlier roots', t => {
  t.timeout(60_000);
  const size = 256 * 256 + 256 * 3 + 5;
  const frontier = createFrontier();
  const tiles = new Map<string, Uint8Array>();
  const rootsAt = new Map<number, Uint8Array>();
  const early = [1, 255, 256, 257, 65_535, 65_536, 65_537, size - 1];
  for (let index = 0; index < size; index++) {
    for (const { level, index: place, bytes } of frontier.add(leafHash(Buffer.from(`${index}`)))) tiles.set(`${level}/${place}`, bytes);
    if (early.includes(index + 1)) rootsAt.set(index + 1, frontier.root());
  }
  for (const { level, index, bytes } of frontier.edge()) tiles.set(`${level}/${index}`, bytes);
  const at = nodesIn((level, index) => tiles.get(`${level}/${index}`) ?? new Uint8Array());
  t.true(same(rootHash(size, at), frontier.root()));
  for (const [from, root] of rootsAt) {
    t.true(same(rootHash(from, at), root), `root of ${from}`);
    t.true(verifyConsistency(from, size, consistencyProof(from, size, at), root, frontier.root()), `${from}`);
  }
  for (const index of [0, 255, 256, 65_535, 65_536, size - 1]) t.true(verifyInclusion(leafHash(Buffer.from(`${index}`)), index, size, inclusionProof(index, size, at), frontier.root()));
  t.throws(() => at(0, size), { instanceOf: RangeError });
});

test('a frontier goes on from the edge of another', t => {
  for (const size of [0, 1, 255, 256, 257, 600]) {
    const whole = createFrontier();
    for (let index = 0; index < size; index++) whole.add(leafHash(Buffer.from(`${index}`)));
    const levels: Uint8Array[] = [];
    for (const { level, bytes } of whole.edge()) levels[level] = bytes;
    const next = createFrontier(size, Array.from(levels, bytes => bytes ?? new Uint8Array()));
    for (let index = size; index < size + 300; index++) { whole.add(leafHash(Buffer.from(`${index}`))); next.add(leafHash(Buffer.from(`${index}`))); }
    t.true(same(whole.root(), next.root()), `${size}`);
  }
});

test('a tree of 70,000 has the edge that the specification says', t => {
  t.deepEqual(partialTiles(70_000), [{ level: 0, index: 273, width: 112 }, { level: 1, index: 1, width: 17 }, { level: 2, index: 0, width: 1 }]);
  t.deepEqual(partialTiles(256), [{ level: 1, index: 0, width: 1 }]);
  t.deepEqual(partialTiles(0), []);
});
