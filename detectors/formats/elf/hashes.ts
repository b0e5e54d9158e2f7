import type { Budget } from '../report.ts';
import type { Source } from '../source.ts';
import type { Dynamic } from './dynamic.ts';
import type { Header } from './header.ts';
import type { Image } from './image.ts';
import { eachEntry, hex } from './shape.ts';
import { evasion, type Voice } from './voice.ts';

/** How many dynamic symbols the hash tables cover; the loader finds symbols by these alone. */
export function hashedSymbols(source: Source, header: Header, dynamic: Dynamic, image: Image, budget: Budget, voice: Voice): number {
  const [gnu, plain] = [dynamic.get('gnuHash'), dynamic.get('hash')];
  const counts = [
    gnu === undefined ? null : gnuCount(source, header, gnu, image, budget, voice),
    plain === undefined ? null : plainCount(header, plain, image, voice),
  ];
  return Math.max(0, ...counts.filter(count => count !== null));
}

const outside = (voice: Voice, at: number) => {
  voice.refused('hash', 0, `The hash table at ${hex(at)} is not within a loaded part of the file: the loader reads beyond it`);
  return null;
};

/** DT_HASH: number of buckets, number of chain entries, which is that of the symbols; 64-bit numbers on s390x. */
function plainCount({ shape, machine }: Header, at: number, image: Image, voice: Voice): number | null {
  const width = shape.wide && machine.name === 's390' ? 8 : 4;
  const head = image.read(at, 2 * width);
  if (head === null) return outside(voice, at);
  const field = (index: number) => head.getUint32(index * width + (width === 8 && !shape.little ? 4 : 0), shape.little);
  const [buckets, chains] = [field(0), field(1)];
  if (image.place(at, (2 + buckets + chains) * width) === null) return outside(voice, at);
  return chains;
}

/** DT_GNU_HASH: buckets, first hashed symbol, bloom words, shift; bloom filter; buckets; hashes, the last of each chain odd. */
function gnuCount(source: Source, { shape }: Header, at: number, image: Image, budget: Budget, voice: Voice): number | null {
  const head = image.read(at, 16);
  if (head === null) return outside(voice, at);
  const [buckets, first, words] = [head.getUint32(0, shape.little), head.getUint32(4, shape.little), head.getUint32(8, shape.little)];
  const bucketsAt = 16 + words * shape.word;
  const chainsAt = bucketsAt + buckets * 4;
  const place = image.place(at, chainsAt);
  if (place === null) return outside(voice, at);
  if (words === 0 || (words & (words - 1)) !== 0) voice.refused('hash', place, `The hash table has ${words} bloom words, no power of two: the loader ends the process`);
  let [highest, early] = [0, 0];
  eachEntry(source, { at: place + bucketsAt, count: buckets, entry: 4 }, budget, (view, step) => {
    const symbol = view.getUint32(step, shape.little);
    if (symbol !== 0 && symbol < first) early += 1;
    if (symbol > highest) highest = symbol;
  });
  if (early > 0) voice.say('hash', 'high', 0.8, place, `Buckets of the hash table point before its first symbol, where the loader reads something else: ${early}`, evasion);
  if (highest < first) return first;
  const room = Math.floor((image.room(at) - chainsAt) / 4) - (highest - first);
  const end = room <= 0 ? null : chainEnd(source, shape.little, place + chainsAt + 4 * (highest - first), room, budget);
  if (end !== null) return highest + end;
  voice.refused('hash', place, 'The hash table has a chain without end: the loader reads beyond the file');
  return null;
}

function chainEnd(source: Source, little: boolean, at: number, room: number, budget: Budget): number | null {
  let end: number | null = null;
  for (let done = 0; done < room && end === null; done += 1_024) {
    eachEntry(source, { at: at + 4 * done, count: Math.min(1_024, room - done), entry: 4 }, budget, (view, step, index) => {
      if (end === null && (view.getUint32(step, little) & 1) === 1) end = done + index + 1;
    });
  }
  return end;
}
