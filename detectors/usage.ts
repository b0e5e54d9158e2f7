import { z } from 'zod';
import { defineDetector, type Memory } from '../agent/contract/detector.ts';
import type { EventOf } from '../agent/contract/event.ts';
import type { Severity, Suspicion } from '../agent/contract/finding.ts';
import type { ProcessRef } from '../agent/contract/process.ts';
import { bounded } from './context/bounded.ts';
import { createTrees, type Load, type Tree } from './context/trees.ts';
import { bytes, clip, duration, quote } from './context/wording.ts';
import { type Baseline, baselineOf, createRing, createSustained, type Limits, threshold } from './statistics/hampel.ts';
import { addBlock, type History, readHistory } from './statistics/history.ts';

type Sample = EventOf<'process.sampled'> | EventOf<'network.transferred'>;
type Metric = 'cpu' | 'memory' | 'threads' | 'network-sent';

interface Kind { readonly limits: Limits; readonly name: string; readonly techniques: readonly string[]; show(value: number): string }

const kinds: { readonly [Each in Metric]: Kind } = {
  cpu: { limits: { deviations: 6, ratio: 2, floor: 0.5 }, name: 'CPU', techniques: ['T1496', 'AML.T0034'], show: value => `${value.toFixed(2)} cores` },
  memory: { limits: { deviations: 6, ratio: 1.5, floor: 512 * 2 ** 20 }, name: 'memory', techniques: ['T1499', 'AML.T0029'], show: bytes },
  threads: { limits: { deviations: 6, ratio: 2, floor: 32 }, name: 'threads', techniques: ['T1496', 'AML.T0034'], show: value => `${Math.round(value)} threads` },
  'network-sent': { limits: { deviations: 6, ratio: 4, floor: 256 * 2 ** 10 }, name: 'network traffic sent', techniques: ['T1041', 'AML.T0025'], show: value => `${bytes(value)}/s` },
};

/** Samples: two minutes of past, of which one is enough; ten of the last twelve; two minutes without a pause for more. */
const past = 120;
const enough = 60;
const need = { of: 12, beyond: 10, unbroken: 120 } as const;
/** Blocks of history from which on it counts, and the age at which it can make a finding graver. */
const mature = { blocks: 5, ageMs: 86_400_000 } as const;
/** A series of loads echoes for so many times `settleMs`, then its process is judged though it goes on loading. */
const longestSeries = 5;
const hourMs = 3_600_000;

interface Track {
  readonly ring: ReturnType<typeof createRing>;
  readonly sustained: ReturnType<typeof createSustained>;
  /** Loads in quick succession are one series; it has one baseline, and its echo has an end. */
  load: Load | null;
  seriesAt: number;
  /** Null: there was too little past to judge by. */
  baseline: Baseline | null;
  /** As it was at the load, so that what came after cannot raise it. */
  history: History | null;
  unbroken: number;
  toldAt: number;
  told: Severity | null;
}

/**
 * Suspects a process that after a load uses clearly more CPU, memory, threads or network than in its own past: mining,
 * a payload that copies data out, a model that is made to exhaust. The statistic is the Hampel identifier (see
 * statistics/hampel.ts), one-sided: beyond the median of the last two minutes before the load by six scaled median
 * absolute deviations, and by a ratio, and by a floor in absolute terms, in ten of twelve seconds. The load itself and
 * `settleMs` after it are left out, both of the past and of the judgement. Values judged beyond do not become past.
 *
 * A process with less than a minute of samples before the load is judged by its program's history (executable and
 * script) when there is one, else not at all: the first minutes of a new service teach. What the program's history
 * has seen before is no news. Low; medium only beyond ten times the median and twice the history's high mark, with a day
 * of history, for two minutes on end. One finding per metric, process and hour.
 * False positives: traffic that comes with the deployment, a bigger model, a new phase of a training.
 * Blind: slow growth, misuse below the floor, a process that misuses from its first minute on.
 */
export default defineDetector({
  name: 'usage',
  sees: 'stream',
  wants: ['process.sampled', 'network.transferred', 'mxnet.called', 'file.opened', 'mxnet.mapped'],
  config: z.strictObject({
    /** How long after a load a process is judged. */
    windowMs: z.number().int().min(60_000).max(86_400_000).default(hourMs),
    /** How long a load may echo. */
    settleMs: z.number().int().min(0).max(600_000).default(30_000),
  }),
  create: (config, memory) => createUsage(config, memory),
});

function createUsage({ windowMs, settleMs }: { readonly windowMs: number; readonly settleMs: number }, memory: Memory) {
  const trees = createTrees();
  const tracks = bounded<number, { readonly startTicks: number; readonly by: Map<Metric, Track> }>(1_024);

  function trackOf(process: ProcessRef, metric: Metric): Track {
    const before = tracks.get(process.pid);
    const own = before?.startTicks === process.startTicks ? before : { startTicks: process.startTicks, by: new Map<Metric, Track>() };
    if (own !== before) tracks.set(process.pid, own);
    const track = own.by.get(metric) ?? newTrack();
    own.by.set(metric, track);
    return track;
  }

  function measure(event: Sample, metric: Metric, value: number): readonly Suspicion[] {
    const tree = trees.get(event.process);
    if (!tree || !Number.isFinite(value)) return [];
    const track = trackOf(event.process, metric);
    const load = trees.lastLoad(tree, event.at);
    if (!load || event.at > load.until + settleMs + windowMs) { learn(track, tree, metric, value, event.at); return []; }
    if (track.load?.id !== load.id) begin(track, load, tree, metric);
    if (event.at - event.intervalMs < Math.min(load.until, track.seriesAt + longestSeries * settleMs) + settleMs) return [];
    if (track.baseline === null) { learn(track, tree, metric, value, event.at); return []; }
    return judge(event, track, track.baseline, load, tree, metric, value);
  }

  /** What a load is judged by is settled when it happens; who loads again and again does not begin anew each time. */
  function begin(track: Track, load: Load, tree: Tree, metric: Metric) {
    const follows = track.load !== null && load.at - track.load.until < 2 * settleMs;
    track.load = load;
    if (follows) return;
    const history = readHistory(memory, tree.program, metric);
    track.seriesAt = load.at;
    track.history = history;
    track.baseline = track.ring.length >= enough ? baselineOf(track.ring.values()) : history !== null && history.blocks >= mature.blocks ? history : null;
    track.sustained.reset();
    track.unbroken = 0;
  }

  function learn(track: Track, tree: Tree, metric: Metric, value: number, at: number) {
    track.ring.push(value);
    if (track.ring.written % past === 0) addBlock(memory, tree.program, metric, baselineOf(track.ring.values()), at);
  }

  function judge(event: Sample, track: Track, baseline: Baseline, load: Load, tree: Tree, metric: Metric, value: number): readonly Suspicion[] {
    const { history } = track;
    const known = history !== null && history.blocks >= mature.blocks ? history.high : 0;
    const limit = Math.max(threshold(baseline, kinds[metric].limits) + allowance(tree, metric), known);
    const beyond = value > limit;
    const sustained = track.sustained.push(beyond);
    track.unbroken = beyond ? track.unbroken + 1 : 0;
    if (!beyond) { learn(track, tree, metric, value, event.at); return []; }
    if (!sustained) return [];
    const old = history !== null && event.at - history.since >= mature.ageMs;
    const severity = old && track.unbroken >= need.unbroken && value > 10 * baseline.median && value > 2 * history.high ? 'medium' : 'low';
    if (event.at - track.toldAt < hourMs && (track.told === severity || track.told === 'medium')) return [];
    track.toldAt = event.at;
    track.told = severity;
    return [asSuspicion(event, tree, load, metric, value, baseline, limit, severity)];
  }

  return (event: Sample | EventOf<'mxnet.called' | 'file.opened' | 'mxnet.mapped'>): readonly Suspicion[] => {
    switch (event.kind) {
      case 'mxnet.mapped': trees.mapped(event); return [];
      case 'mxnet.called': case 'file.opened': trees.loaded(event); return [];
      // Shorter intervals are the close look at a load itself, and would count for more than their time.
      case 'network.transferred': return event.intervalMs < 500 ? [] : measure(event, 'network-sent', event.sentBytes / (event.intervalMs / 1_000));
      case 'process.sampled': return event.intervalMs < 500 ? [] : [
        ...measure(event, 'cpu', event.cpuSeconds / (event.intervalMs / 1_000)),
        ...measure(event, 'memory', event.rssBytes), ...measure(event, 'threads', event.threads),
      ];
      default: return event satisfies never;
    }
  };
}

const newTrack = (): Track => ({
  ring: createRing(past), sustained: createSustained(need.beyond, need.of), load: null, seriesAt: 0, baseline: null, history: null,
  unbroken: 0, toldAt: Number.NEGATIVE_INFINITY, told: null,
});

/** A model takes memory: its file's size, decoded, copied to the device's buffers and used. */
const allowance = (tree: Tree, metric: Metric): number => metric === 'memory' ? 4 * tree.loads.reduce((sum, load) => sum + load.bytes, 0) : 0;

function asSuspicion(event: Sample, tree: Tree, load: Load, metric: Metric, value: number, baseline: Baseline, limit: number, severity: Severity): Suspicion {
  const { name, show, techniques } = kinds[metric];
  return {
    rule: `usage.${metric}`, severity, confidence: severity === 'medium' ? 0.6 : 0.3, at: event.at, because: [event.id, load.id], techniques,
    summary: `${clip(tree.program)} (pid ${tree.pid}) uses more ${name} than in its past: ${show(value)} against ${show(baseline.median)} (limit ${show(limit)}), ${duration(event.at - load.until)} after loading ${quote(load.what)}`,
  };
}
