import { type AuditRecord, bounded } from './entry.ts';

/** One sink as its courier tells of it. */
export interface SinkFacts { readonly sink: string; readonly state: string; readonly reason: string | null; readonly buried: number }

/** What of the deliveries belongs in the trail: that a sink stops or goes on taking alerts, and what it refused for good. */
export function createDeliveries() {
  const known = new Map<string, { state: string; buried: number }>();
  return {
    see(sinks: readonly SinkFacts[], at: number): AuditRecord[] {
      return sinks.flatMap(({ sink, state, reason, buried }) => {
        const before = known.get(sink) ?? { state: 'starting', buried: 0 };
        // A reload begins the count anew.
        const refused = buried < before.buried ? buried : buried - before.buried;
        known.set(sink, { state, buried });
        const told = reason === null ? null : bounded(reason, 1_000);
        const isNews = state !== before.state && state !== 'starting' && !(before.state === 'starting' && state === 'healthy');
        return [
          ...(isNews ? [{ action: 'delivery.changed' as const, at, actor: 'agent', object: sink, outcome: state, detail: { reason: told } }] : []),
          ...(refused > 0 ? [{ action: 'delivery.refused' as const, at, actor: 'agent', object: sink, outcome: 'dead letter', detail: { count: refused, reason: told } }] : []),
        ];
      });
    },
  };
}
