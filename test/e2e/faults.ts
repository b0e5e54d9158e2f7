/** Every fault there is, by what it strikes. */
const groups = [
  ['agent.killed'],
  ['broker.killed', 'broker.paused'],
  ['collector.killed', 'collector.paused'],
  ['disk.full', 'disk.full-and-agent-killed'],
  ['wire.to-broker-cut', 'wire.to-broker-stalled', 'wire.to-collector-cut', 'wire.to-collector-stalled'],
  ['clock.forward', 'clock.back'],
] as const;
export type Fault = (typeof groups)[number][number];

export interface Round {
  readonly fault: Fault;
  /** How long it lasts, and how long nothing is done after it; both in milliseconds. */
  readonly holdMs: number;
  readonly restMs: number;
  /** How far the clock steps in a round that steps it. */
  readonly stepMs: number;
}

/** As many rounds as asked for; every six of them strike everything once, in some order. The same seed gives the same rounds. */
export function planOf(seed: number, rounds: number): Round[] {
  const random = mulberry32(seed);
  const between = (least: number, most: number) => Math.round(least + random() * (most - least));
  const plan: Round[] = [];
  while (plan.length < rounds) {
    for (const group of shuffled(groups, random)) {
      const fault = group[between(0, group.length - 1)] ?? group[0];
      plan.push({ fault, holdMs: between(1_500, fault.startsWith('disk') ? 8_000 : 6_000), restMs: between(0, 4_000), stepMs: Math.round(10 ** (3 + random() * 4)) });
    }
  }
  return plan.slice(0, rounds);
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items.map(item => ({ item, place: random() })).sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/** Small, and the same everywhere. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
