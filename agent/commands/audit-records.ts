import { csvHeader, csvLine } from '../audit/csv.ts';
import type { TrailDamage } from '../audit/damage.ts';
import type { Entry } from '../audit/entry.ts';
import { htmlFoot, htmlHead, htmlRow } from '../audit/html.ts';
import { ever, type Found, recordsOf, type Span } from '../audit/records.ts';
import { verifyTrail } from '../audit/verify-trail.ts';
import { escapeText } from '../contract/text.ts';
import { keysOf, readTrail, type TrailOptions } from './audit.ts';
import { exitCode, type ExitCode, print } from './command.ts';

interface ExportOptions extends Omit<TrailOptions, 'format'> {
  readonly format: 'csv' | 'jsonl' | 'html';
  readonly from?: number;
  readonly to?: number;
}

/** The records of a time, after the whole trail was verified. 0: all of it is sound. 1: it is not, and standard error says where. */
export async function exportRecords(options: ExportOptions): Promise<ExitCode> {
  const span: Span = { from: options.from ?? ever.from, to: options.to ?? ever.to };
  const { format, ...rest } = options;
  const directory = readTrail(rest, `export --format ${format}${spanText(span)}`);
  const reports = verifyTrail(directory, keysOf(rest));
  const faults = reports.flatMap(({ epoch, faults }) => faults.map(({ place, fault }) => `epoch ${epoch}: ${place}: ${fault}`));
  const tell = (line: string) => { process.stderr.write(`mxwarden: ${escapeText(line)}\n`); };
  if (format === 'csv') process.stdout.write(csvHeader);
  if (format === 'html') process.stdout.write(htmlHead(reports, span, new Date()));
  const blame = (epoch: number, { place, message }: TrailDamage) => { faults.push(`epoch ${epoch}: ${place}: left out of the export: ${message}`); };
  for (const found of recordsOf(directory, span, blame)) process.stdout.write(rendered(found, format));
  if (format === 'html') process.stdout.write(htmlFoot);
  for (const fault of faults) tell(fault);
  tell(faults.length === 0 ? 'the trail is sound' : 'the trail is not sound: mxwarden audit verify says more');
  return faults.length === 0 ? exitCode.ok : exitCode.findings;
}

const spanText = ({ from, to }: Span): string => `${Number.isFinite(from) ? ` --from ${new Date(from).toISOString()}` : ''}${Number.isFinite(to) ? ` --to ${new Date(to).toISOString()}` : ''}`;

function rendered(found: Found, format: ExportOptions['format']): string | Buffer {
  switch (format) {
    case 'csv': return csvLine(found);
    case 'jsonl': return Buffer.concat([found.line, Buffer.from('\n')]);
    case 'html': return htmlRow(found);
    default: return format satisfies never;
  }
}

const mostDetail = 200;
function detailText(detail: Entry['detail']): string {
  const text = JSON.stringify(detail);
  return text.length > mostDetail ? `${text.slice(0, mostDetail)}…` : text;
}

interface ListOptions extends TrailOptions { readonly last: number }

/** The newest records, oldest of them first. What cannot be read is said on standard error and ends with 2. */
export async function list(options: ListOptions): Promise<ExitCode> {
  const directory = readTrail(options, `list --last ${options.last}`);
  const newest: Found[] = [];
  let unread = 0;
  for (const found of recordsOf(directory, ever, () => { unread += 1; })) {
    newest.push(found);
    if (newest.length > options.last * 2 + 1_000) newest.splice(0, newest.length - options.last);
  }
  for (const { epoch, entry, line } of newest.slice(-options.last)) {
    if (options.format === 'json') print(line.toString());
    else print(`${epoch}/${entry.seq}  ${escapeText([entry.time, entry.action.padEnd(18), entry.actor, entry.object, entry.outcome, detailText(entry.detail)].join('  '))}`);
  }
  if (unread > 0) process.stderr.write(`mxwarden: ${unread} parts of the trail cannot be read: mxwarden audit verify says which\n`);
  return unread > 0 ? exitCode.incomplete : exitCode.ok;
}
