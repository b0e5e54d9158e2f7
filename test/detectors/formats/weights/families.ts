/* Synthetic weights of the kinds that models hold, and payloads to hide in them. Deterministic. */

/** Numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** All 53 bits are random: a float32 made of it has no pattern in its low bits. */
const fine = (next: () => number) => (): number => Math.floor(next() * 2 ** 21) / 2 ** 21 + next() / 2 ** 21;

export function gaussian(seed: number): () => number {
  const next = fine(random(seed));
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

const half = (value: number): number => new Float16Array([value])[0] ?? 0;

function upper(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value, true);
  view.setUint16(0, 0, true);
  return view.getFloat32(0, true);
}

type Family = (seed: number) => (index: number) => number;
const scale = (seed: number): number => 2 ** (-10 + seed / 2);
const both = (make: (gauss: () => number, next: () => number, seed: number) => (index: number) => number): Family => seed => make(gaussian(seed + 1), fine(random(seed + 1_000)), seed);

/** What honest tensors look like: `families[name](seed)` gives the value at an index. */
export const families: Readonly<Record<string, Family>> = {
  'normal': both((gauss, _, seed) => () => gauss() * scale(seed)),
  'uniform': both((_, next, seed) => () => (next() * 2 - 1) * scale(seed) * 1.37),
  'uniform with bounds that are powers of two': both((_, next, seed) => () => (next() * 2 - 1) * 2 ** -seed),
  'from 0 to 1': both((_, next) => next),
  'Laplace': both((_, next, seed) => () => Math.log(1 - next()) * (next() < 0.5 ? 1 : -1) * scale(seed)),
  'heavy tails': both((gauss, _, seed) => () => gauss() / Math.sqrt((gauss() ** 2 + gauss() ** 2 + gauss() ** 2) / 3) * scale(seed)),
  'log-normal': both((gauss, _, seed) => () => Math.exp(gauss() * (0.2 + seed / 4))),
  'log-uniform': both((_, next, seed) => () => 2 ** (next() * (1 + seed) - 10)),
  'products': both(gauss => () => gauss() * gauss() * 0.01),
  'squares': both(gauss => () => (gauss() * 0.001) ** 2),
  'pruned': both((gauss, next) => () => next() < 0.9 ? 0 : gauss() * 0.05),
  'rectified': both(gauss => () => Math.max(0, gauss())),
  'clipped': both(gauss => () => Math.max(-0.5, Math.min(0.5, gauss()))),
  'converted from float16': both((gauss, _, seed) => () => half(gauss() * scale(seed))),
  'converted from bfloat16': both(gauss => () => upper(gauss() * 0.02)),
  'quantised to 8 bits': both((gauss, _, seed) => () => Math.round(gauss() * 40) * scale(seed) / 127),
  'quantised to 8 bits by channel': both((gauss, next, seed) => { const scales = Array.from({ length: 5_000 }, next); return index => Math.round(gauss() * 40) * (scales[Math.floor(index / ([9, 64, 576, 4_096][seed % 4] ?? 9)) % 5_000] ?? 1); }),
  'quantised to 4 bits by group': both((gauss, next) => { const scales = Array.from({ length: 5_000 }, next); return index => Math.round(gauss() * 2) * (scales[Math.floor(index / 32) % 5_000] ?? 1); }),
  'fixed point of 16 bits': both(gauss => () => Math.round(gauss() * 2_000) / 2 ** 12),
  'fixed point of 20 bits': both(gauss => () => Math.round(gauss() * 2 ** 18) / 2 ** 20),
  'rounded to decimals': both((gauss, _, seed) => () => Math.round(gauss() * 10 ** (2 + seed % 5)) / 10 ** (2 + seed % 5)),
  'constant': both((_gauss, _, seed) => () => 0.1 * (seed + 1)),
  'zeros': () => () => 0,
  'counting': both((_gauss, _, seed) => index => index * (seed + 1)),
  'even steps': both((_gauss, _, seed) => index => index / 1e6 * (seed + 1)),
  'positions as sines': both((_gauss, _, seed) => index => Math.sin((index >> 6) / 10_000 ** ((index & 63) / 64) * (seed + 1))),
  'sigmoids': both(gauss => () => 1 / (1 + Math.exp(-gauss()))),
  'pixels': both((_, next) => () => (Math.floor(next() * 256) / 255 - 0.485) / 0.229),
  'identifiers': both((_, next) => () => Math.floor(next() * 50_000)),
  'repeated rows': both(gauss => { const row = Array.from({ length: 300 }, gauss); return index => row[index % 300] ?? 0; }),
  'near one': both(gauss => () => 1 + gauss() * 1e-3),
  'very small': both(gauss => () => gauss() * 1e-30),
};

export function floats(count: number, value: (index: number) => number): Uint8Array {
  return new Uint8Array(Float32Array.from({ length: count }, (_, index) => value(index)).buffer);
}

/** Writes a payload into the lowest `taken` bytes of each value of `width` bytes, from value `first` on. */
export function hide(bytes: Uint8Array, payload: Uint8Array, width: number, taken: number, swapped: boolean, first: number): Uint8Array {
  const result = Uint8Array.from(bytes);
  payload.forEach((byte, index) => {
    const within = index % taken;
    result[(first + Math.floor(index / taken)) * width + (swapped ? taken - 1 - within : within)] = byte;
  });
  return result;
}
