import { canonicalJson } from './canonical-json.ts';
import type { Found, Span } from './records.ts';
import type { EpochReport } from './verify.ts';

const style = `
body { font: 10pt/1.4 sans-serif; margin: 2em; color: #111; background: #fff }
table { border-collapse: collapse; width: 100% } th, td { border: 1px solid #999; padding: .2em .4em; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { background: #eee } code { font: 8pt monospace } .fault { color: #a00; font-weight: bold }
@media print { body { margin: 0 } thead { display: table-header-group } tr { break-inside: avoid } }`;

/** A page that stands alone, runs nothing and loads nothing: the verification first, then the records, then `htmlFoot`. */
export function htmlHead(reports: readonly EpochReport[], { from, to }: Span, made: Date): string {
  const span = [from, to].map(time => Number.isFinite(time) ? new Date(time).toISOString() : 'open').join(' to ');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>mxwarden audit trail</title><style>${style}</style></head><body>
<h1>mxwarden audit trail</h1>
<p>Made ${made.toISOString()}; records from ${span}.</p>
<h2>Verification</h2>
${reports.map(epochPart).join('\n')}
<h2>Records</h2>
<table><thead><tr>${['epoch', 'seq', 'time', 'action', 'actor', 'object', 'outcome', 'detail'].map(name => `<th scope="col">${name}</th>`).join('')}</tr></thead><tbody>
`;
}

function epochPart({ epoch, origin, signed, records, first, root, keys, faults }: EpochReport): string {
  const verdict = faults.length === 0 ? 'sound' : `<span class="fault">${faults.length} faults</span>`;
  const told = [`epoch ${epoch}: ${verdict}`, `log ${escapeHtml(origin ?? 'unknown')}`, `${records} records, of them ${signed} under the checkpoint, the first here is ${first}`,
    `root hash <code>${escapeHtml(root ?? 'none')}</code>`, ...keys.map(key => `key <code>${escapeHtml(key)}</code>`),
    ...faults.map(({ place, fault }) => `<span class="fault">${escapeHtml(place)}: ${escapeHtml(fault)}</span>`)];
  return `<ul>${told.map(line => `<li>${line}</li>`).join('')}</ul>`;
}

export function htmlRow({ epoch, entry }: Found): string {
  const { seq, time, action, actor, object, outcome, detail } = entry;
  return `<tr>${[String(epoch), String(seq), time, action, actor, object, outcome].map(text => `<td>${escapeHtml(text)}</td>`).join('')}<td><code>${escapeHtml(canonicalJson(detail))}</code></td></tr>\n`;
}

export const htmlFoot = '</tbody></table></body></html>\n';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' };
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, found => entities[found] ?? found);
