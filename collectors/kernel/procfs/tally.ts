/** What a poll could not see, counted; nothing is skipped without a word. */
import { escapeText } from '../../../agent/contract/text.ts';
import { clip } from './parse.ts';

export interface Tally {
  /** Something was not seen. */
  add(what: string, example?: string): void;
  /** Something was seen late or in part: worth a word, nothing is lost. */
  note(what: string, example?: string): void;
  /** What was counted since the last call, the sum of what was not seen as `cause.count`; null when there was nothing. */
  take(): Error | null;
}

interface Count { readonly count: number; readonly lost: number; readonly example: string | undefined }

export function createTally(subject: string): Tally {
  const counts = new Map<string, Count>();
  const one = (what: string, lost: number, example: string | undefined): void => {
    const before = counts.get(what);
    counts.set(what, { count: (before?.count ?? 0) + 1, lost: (before?.lost ?? 0) + lost, example: example ?? before?.example });
  };
  return {
    add(what, example) { one(what, 1, example); },
    note(what, example) { one(what, 0, example); },
    take() {
      if (counts.size === 0) return null;
      const parts = [...counts].map(([what, { count, example }]) => `${count} × ${what}${example === undefined ? '' : ` (such as ${clip(escapeText(example), 300)})`}`);
      const count = [...counts.values()].reduce((sum, each) => sum + each.lost, 0);
      counts.clear();
      return new Error(`${subject}: ${parts.join('; ')}`, { cause: { count } });
    },
  };
}
