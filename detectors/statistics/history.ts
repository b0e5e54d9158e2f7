import type { Memory } from '../../agent/contract/detector.ts';
import { keyOf } from '../context/keys.ts';
import type { Baseline } from './hampel.ts';

/** What a program used in all its runs, so that a restarted service has a past. */
export interface History extends Baseline {
  /** How many blocks of samples went in. */
  readonly blocks: number;
  readonly since: number;
}

const weight = 0.2;

/** A text of another shape is no history. */
export function readHistory(memory: Memory, program: string, metric: string): History | null {
  const text = memory.get(keyOf('usage', metric, program));
  const [median, sigma, high, blocks, since, ...rest] = typeof text === 'string' ? text.split(' ').map(Number) : [];
  if (median === undefined || sigma === undefined || high === undefined || blocks === undefined || since === undefined || rest.length > 0) return null;
  return [median, sigma, high, blocks, since].every(Number.isFinite) ? { median, sigma, high, blocks, since } : null;
}

/**
 * Lets one more block of samples into the history: median and spread follow slowly, the high mark rises at once and
 * sinks by a thousandth per block (half in a day of blocks of two minutes).
 */
export function addBlock(memory: Memory, program: string, metric: string, block: Baseline, at: number): void {
  const old = readHistory(memory, program, metric);
  const next: History = old === null ? { ...block, blocks: 1, since: at } : {
    median: old.median + weight * (block.median - old.median), sigma: old.sigma + weight * (block.sigma - old.sigma),
    high: Math.max(block.high, old.high * 0.999), blocks: old.blocks + 1, since: old.since,
  };
  memory.set(keyOf('usage', metric, program), [next.median, next.sigma, next.high, next.blocks, next.since].map(value => Number(value.toPrecision(15))).join(' '));
}
