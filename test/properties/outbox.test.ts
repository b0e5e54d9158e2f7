import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { type Severity, severities } from '../../agent/contract/finding.ts';
import { openDatabase } from '../../agent/store/database.ts';
import { openOutbox } from '../../agent/store/outbox.ts';
import { draft, notebook, value } from '../agent/store/drafts.ts';

/** What the outbox promises, in lists. */
interface Row { readonly id: string; readonly sequence: number; readonly severity: Severity; readonly bytes: number }
interface SinkModel { cursor: number; readonly dead: Set<number> }

// Room for a dozen, so that many histories overflow it; none alone takes a tenth.
const maxBytes = 6_000;

function model() {
  let rows: Row[] = [];
  let last = 0;
  let enabled: readonly string[] = [];
  const sinks = new Map<string, SinkModel>();
  const of = (name: string): SinkModel => {
    const known = sinks.get(name) ?? { cursor: 0, dead: new Set<number>() };
    sinks.set(name, known);
    return known;
  };
  const waits = (name: string, row: Row) => row.sequence > of(name).cursor && !of(name).dead.has(row.sequence);
  const isDone = (row: Row) => enabled.every(name => row.sequence <= of(name).cursor) && !enabled.some(name => of(name).dead.has(row.sequence));
  const total = () => rows.reduce((sum, row) => sum + row.bytes, 0);

  return {
    open(names: readonly string[]) { enabled = names; for (const name of names) of(name); },
    append(drafts: readonly { readonly id: string; readonly severity: Severity; readonly bytes: number }[]) {
      let added = 0;
      for (const each of drafts) {
        if (rows.some(({ id }) => id === each.id)) continue;
        rows.push({ ...each, sequence: ++last });
        added += 1;
      }
      if (total() > maxBytes) rows = rows.filter(row => !isDone(row));
      const dropped = new Map<Severity, number>();
      const enough = total() > maxBytes ? maxBytes * 0.99 : maxBytes;
      while (total() > enough) {
        const [victim] = [...rows].sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity) || a.sequence - b.sequence);
        if (victim === undefined) break;
        rows = rows.filter(row => row !== victim);
        dropped.set(victim.severity, (dropped.get(victim.severity) ?? 0) + 1);
      }
      return { added, dropped: severities.flatMap(severity => dropped.has(severity) ? [[severity, dropped.get(severity)]] : []) };
    },
    confirm(name: string, through: number) { of(name).cursor = Math.max(of(name).cursor, Math.min(through, last)); },
    bury(name: string, ids: readonly string[]) {
      let count = 0;
      for (const id of ids) {
        const row = rows.find(each => each.id === id);
        if (row === undefined || !waits(name, row)) continue;
        of(name).dead.add(row.sequence);
        count += 1;
      }
      return count;
    },
    prune() { const before = rows.length; rows = rows.filter(row => !isDone(row)); return before - rows.length; },
    waiting: (name: string) => rows.filter(row => waits(name, row)),
    dead: (name: string) => rows.filter(row => of(name).dead.has(row.sequence)).map(({ id }) => id),
    last: () => last,
  };
}

const name = fc.constantFrom('file', 'kafka', 'otlp');
const id = fc.nat({ max: 40 }).map(n => `e${n}`);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), drafts: fc.array(fc.record({ id, severity: fc.constantFrom(...severities), padding: fc.nat({ max: 100 }) }), { maxLength: 8, size: 'max' }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('deliver' as const), name, count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('confirm' as const), name, through: fc.nat({ max: 90 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('bury' as const), name, ids: fc.array(id, { maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('prune' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const), names: fc.uniqueArray(name, { maxLength: 3 }) }) },
);

test('after any history each sink waits for exactly what it has neither confirmed nor refused', async t => {
  t.timeout(180_000, 'a counterexample is being shortened');
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async steps => {
    // Ava hears of a long test only between turns of the event loop.
    await setImmediate();
    const directory = mkdtempSync(join(tmpdir(), 'mxwarden-'));
    const state = openDatabase(directory, notebook());
    try {
      const expected = model();
      let enabled: readonly string[] = ['file', 'kafka'];
      let outbox = openOutbox(state, enabled, { maxBytes });
      expected.open(enabled);
      for (const each of steps) {
        if ('name' in each && !enabled.includes(each.name)) continue;
        switch (each.do) {
          case 'append': {
            const drafts = each.drafts.map(({ id, severity, padding }) => draft(id, severity, padding));
            const { added, dropped } = value(outbox.append(drafts));
            const want = expected.append(drafts.map(one => ({ id: one.id, severity: one.body.severity, bytes: Buffer.byteLength(JSON.stringify(one)) })));
            equal({ added, dropped: dropped.map(({ severity, count }) => [severity, count]) }, want);
            break;
          }
          case 'deliver': {
            const batch = outbox.next(each.name, each.count, 1e9);
            equal(batch.map(one => one.id), expected.waiting(each.name).slice(0, each.count).map(one => one.id));
            const through = batch.at(-1)?.sequence ?? 0;
            value(outbox.confirm(each.name, through));
            expected.confirm(each.name, through);
            break;
          }
          case 'confirm': value(outbox.confirm(each.name, each.through)); expected.confirm(each.name, each.through); break;
          case 'bury': equal(value(outbox.bury(each.name, each.ids, 'no')), expected.bury(each.name, each.ids)); break;
          case 'prune': equal(value(outbox.prune()), expected.prune()); break;
          case 'reopen':
            enabled = each.names;
            outbox = openOutbox(state, enabled, { maxBytes });
            expected.open(enabled);
            break;
          default: each satisfies never;
        }
        for (const depth of outbox.depth()) {
          const waiting = expected.waiting(depth.sink);
          equal([depth.pending, depth.bytes], [waiting.length, waiting.reduce((sum, row) => sum + row.bytes, 0)]);
          equal(outbox.next(depth.sink, 10_000, 1e9).map(one => [one.id, one.sequence]), waiting.map(row => [row.id, row.sequence]));
          equal(outbox.list({ sink: depth.sink, state: 'dead' }).map(one => one.id), expected.dead(depth.sink));
          equal(depth.dead, expected.dead(depth.sink).length);
        }
      }
    } finally {
      state[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    }
  }), { numRuns: 60 });
  t.pass();
});

function equal(found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
}
