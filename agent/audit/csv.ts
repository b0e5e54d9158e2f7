import { canonicalJson } from './canonical-json.ts';
import type { Found } from './records.ts';

/** RFC 4180, UTF-8, a line each ending in CRLF. */
export const csvHeader = 'epoch,seq,time,boot,action,actor,object,outcome,detail\r\n';

export function csvLine({ epoch, entry }: Found): string {
  const { seq, time, boot, action, actor, object, outcome, detail } = entry;
  return `${[String(epoch), String(seq), ...[time, boot, action, actor, object, outcome, canonicalJson(detail)].map(csvCell)].join(',')}\r\n`;
}

/** What a spreadsheet would take for a formula, full-width forms and leading white space included, is made text by an apostrophe. */
const formula = /^[\s\u0000-\u0020'"]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

export const csvCell = (text: string): string => `"${formula.test(text) ? '\'' : ''}${text.replaceAll('"', '""')}"`;
