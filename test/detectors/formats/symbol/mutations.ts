/** A small generator of numbers, the same for the same seed (mulberry32). */
export function dice(seed: number): (sides: number) => number {
  let state = seed >>> 0;
  return sides => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

const tokens = ['{', '}', '[', ']', ',', ':', '"', '0', '1', '-1', '+0', '4294967295', '99999999999', '"a"', '"null"', '"_Native"', '"relu"', '\\', '\\u0041', '\0', '\t', '\n', '\v', '\xff', '[0,0,0]', '"attrs":{},', '"subgraphs":[],', '"True"', '"(3, 3)"', '"None"', ' '];

/** An honest file after one to three flips, cuts, splices, repetitions, foreign tokens or exchanged numbers. */
export function mutate(honest: Uint8Array, seed: number): Uint8Array {
  const roll = dice(seed);
  let bytes = Buffer.from(honest);
  for (let left = 1 + roll(3); left > 0 && bytes.length > 0; left--) bytes = once(bytes, roll);
  return bytes;
}

function once(bytes: Buffer<ArrayBuffer>, roll: (sides: number) => number): Buffer<ArrayBuffer> {
  const at = roll(bytes.length);
  const to = Math.min(bytes.length, at + roll(40));
  const between = (middle: Uint8Array) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(to)]);
  switch (roll(9)) {
    case 0: bytes[at] = (bytes[at] ?? 0) ^ (1 << roll(8)); return bytes;
    case 1: return Buffer.from(bytes.subarray(0, at));
    case 2: return between(Buffer.alloc(0));
    case 3: { const from = roll(bytes.length); return between(bytes.subarray(from, from + roll(200))); }
    case 4: return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 5: return Buffer.concat([bytes.subarray(0, at), Buffer.from(tokens[roll(tokens.length)] ?? '', 'latin1'), bytes.subarray(at)]);
    case 6: return Buffer.concat([bytes, bytes.subarray(at, to)]);
    default: return exchange(bytes, at, roll);
  }
}

/** Writes another number where the next one stands: the grammar holds, the graph does not. */
function exchange(bytes: Buffer<ArrayBuffer>, at: number, roll: (sides: number) => number): Buffer<ArrayBuffer> {
  const text = bytes.toString('latin1');
  const found = /\d+/.exec(text.slice(at));
  if (!found) return bytes;
  const start = at + found.index;
  const other = roll(3) === 0 ? `${roll(4_000)}` : `${roll(8)}`;
  return Buffer.from(`${text.slice(0, start)}${other}${text.slice(start + found[0].length)}`, 'latin1');
}
