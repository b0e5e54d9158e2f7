import type { Memory } from '../../agent/contract/detector.ts';
import type { EventOf } from '../../agent/contract/event.ts';
import type { Suspicion } from '../../agent/contract/finding.ts';
import { pathOf } from '../context/trees.ts';
import { clip, duration, quote } from '../context/wording.ts';

const [lastLoad, lastBoot] = ['last-load', 'last-boot'];
/** So much of a pause may be spent computing; an agent that is frozen computes nothing. */
const mostBusy = 0.2;

/**
 * Whether the agent lived all the time. A host that sleeps stops the clock by which a sample measures its interval, so
 * that a long interval is a pause of the agent alone, or of a machine that was held from outside.
 */
export function createPulse({ stalledMs, windowMs }: { readonly stalledMs: number; readonly windowMs: number }, memory: Memory) {
  let usualMs: number | null = null;

  return {
    loaded(event: EventOf<'mxnet.called' | 'file.opened'>) {
      memory.set(lastLoad, `${event.at} ${clip(pathOf(event) ?? '', 200)}`);
    },
    sampled({ id, at, intervalMs, cpuSeconds }: EventOf<'agent.sampled'>): readonly Suspicion[] {
      const before = usualMs;
      usualMs = intervalMs;
      if (before === null || intervalMs < stalledMs + 2 * before || cpuSeconds * 1_000 > intervalMs * mostBusy) return [];
      const load = loadBefore(memory, at);
      const near = load !== null && at - load.at <= intervalMs + windowMs;
      return [{
        rule: 'tampering.agent-stalled', severity: near ? 'medium' : 'low', confidence: near ? 0.5 : 0.3, at, because: [id], techniques: ['T1562.001', 'AML.T0107'],
        summary: `The agent stood still for ${duration(intervalMs)} without computing: it was stopped or its cgroup frozen, or the machine was paused${near ? `; ${quote(load.what)} was loaded shortly before` : ''}`,
      }];
    },
    started({ id, at, bootId, unwatchedSince }: EventOf<'agent.started'>): readonly Suspicion[] {
      const isSameBoot = memory.get(lastBoot) === bootId;
      memory.set(lastBoot, bootId);
      // With the whole machine gone down, nobody singled the agent out.
      if (unwatchedSince === null || !isSameBoot) return [];
      const load = loadBefore(memory, unwatchedSince);
      const near = load !== null && unwatchedSince - load.at <= windowMs;
      return [{
        rule: 'tampering.agent-killed', severity: near ? 'medium' : 'low', confidence: near ? 0.6 : 0.4, at, because: [id], techniques: ['T1562.001', 'AML.T0107'],
        summary: `The agent's last run did not end in order, and nothing was watched for ${duration(at - unwatchedSince)}${near ? `; ${quote(load.what)} was loaded ${duration(unwatchedSince - load.at)} before` : ''}`,
      }];
    },
  };
}

function loadBefore(memory: Memory, at: number): { readonly at: number; readonly what: string } | null {
  const text = memory.get(lastLoad);
  if (typeof text !== 'string') return null;
  const loadedAt = Number(text.slice(0, text.indexOf(' ')));
  return loadedAt <= at ? { at: loadedAt, what: text.slice(text.indexOf(' ') + 1) } : null;
}
