import type { Draft } from '../contract/event.ts';
import { severities, type Severity } from '../contract/finding.ts';
import type { ProcessRef } from '../contract/process.ts';
import { escapeText } from '../contract/text.ts';
import type { Database } from '../store/database.ts';
import type { StateStore } from '../store/state.ts';
import { readDrops } from '../store/untold.ts';
import { version } from '../version.ts';

/** The first facts of a run: that it began, and what was not seen or was lost before it. True when the latter must be kept until it is stored. */
export function announce(database: Database, state: StateStore, emit: (draft: Draft) => void, own: { readonly bootId: string; readonly process: ProcessRef | null }): boolean {
  const at = Date.now();
  const [alive, stopped] = [state.note('aliveAt'), state.note('stoppedAt')].map(value => typeof value === 'number' ? value : null);
  const unwatchedSince = alive != null && (stopped == null || stopped < alive) ? alive : null;
  emit({ kind: 'agent.started', at, version, bootId: own.bootId, unwatchedSince, ...own.process && { process: own.process } });
  const lost = (count: number | null, severity?: Severity) => emit({ kind: 'events.lost', at, where: 'outbox', what: 'any', count, ...severity && { severity } });
  const { damage } = database;
  if (damage !== null) {
    const { setAside, reason, saved, lost: rows, alerts } = damage;
    emit({ kind: 'store.damaged', at, setAside, reason: escapeText(reason), saved, lost: rows, alertsLost: alerts.lost && sum(Object.values(alerts.lost)) });
    if (alerts.lost === null) lost(null);
    for (const severity of severities) if (alerts.lost?.[severity]) lost(alerts.lost[severity], severity);
  }
  const drops = readDrops(state);
  for (const [severity, count] of drops) lost(count, severity);
  return damage !== null || drops.size > 0;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
