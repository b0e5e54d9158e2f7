import { inBrief } from '../brevity.ts';
import { defineFormat, type Format } from '../format.ts';
import { lookForClasses } from '../json/listener.ts';
import { BudgetError, type Report } from '../report.ts';
import { slice, type Source } from '../source.ts';
import { examine, load } from './document.ts';
import { factsOf } from './facts.ts';
import type { Graph } from './graph.ts';
import { looksLikeSymbol } from './likeness.ts';
import { tellPointers } from './pointers.ts';
import type { OperatorPolicy } from './policy.ts';
import { tally } from './tally.ts';
import { createVoice, type Voice } from './voice.ts';

/** MXNet symbol JSON, read by the grammar of MXNet's own reader and not by JSON's. */
export const symbolFormat = (policy: OperatorPolicy): Format => defineFormat({
  name: 'symbol-json',
  fits: looksLikeSymbol,
  inspect: inBrief((source, report) => {
    const voice = createVoice(report);
    const counts = tally();
    let graph: Graph | null = null;
    try {
      const found = examine({ ...load(source), pointer: '', depth: 0 }, { report, policy, voice, counts, seen: new Set() });
      graph = found.graph;
      report.parsed(found.end + afterwards(source, found.end, report, voice));
      if (graph) report.fact({ type: 'symbol', symbol: factsOf(graph) });
    } catch (error) {
      if (error instanceof RangeError && !(error instanceof BudgetError)) refused(error.message, source, report, voice);
      throw error;
    } finally { counts.tell(report, graph); }
  }),
});

export const symbol = symbolFormat({});

export default symbol;

/** What stands behind the last brace, which MXNet ignores. Gives how many blanks of it were read. */
function afterwards(source: Source, end: number, report: Report, voice: Voice): number {
  let at = end;
  scan: while (at < source.size) {
    const bytes = source.read(at, 65_536);
    report.budget.spend(bytes.length / 50);
    for (const byte of bytes) {
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break scan;
      at += 1;
    }
  }
  const rest = source.size - at;
  if (rest > 0) {
    voice.say('trailing', 'medium', 0.9,
      `${rest} bytes follow the symbol; MXNet ignores them, another program may read them`, { offset: at, length: rest }, 'AML.T0076', 'T1027.009');
    report.nested('trailing', slice(source, at, rest));
  } else if (at > end) voice.say('trailing-blanks', 'info', 1, `${at - end} blanks follow the symbol`, { offset: end, length: at - end });
  return at - end;
}

/** The library stops here; another release or another program may not: what is never harmless is looked for in all of it. */
function refused(reason: string, source: Source, report: Report, voice: Voice) {
  voice.refused('refused', reason, { offset: Number(/offset (\d+)/.exec(reason)?.[1] ?? 0) });
  const { bytes: all } = load(source);
  lookForClasses(all, report);
  tellPointers(all, voice);
}
