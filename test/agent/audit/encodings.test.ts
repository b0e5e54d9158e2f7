import test from 'ava';
import fc from 'fast-check';
import { csvCell, csvHeader, csvLine } from '../../../agent/audit/csv.ts';
import { escapeHtml, htmlFoot, htmlHead, htmlRow } from '../../../agent/audit/html.ts';
import type { Found } from '../../../agent/audit/records.ts';
import { verifyTrail } from '../../../agent/audit/verify-trail.ts';
import { ever } from '../../../agent/audit/records.ts';
import { place, written } from './trails.ts';

const hostile = (text: string): Found => ({
  epoch: 1, line: Buffer.alloc(0),
  entry: { seq: 7, time: '2026-11-24T12:00:00.000Z', boot: 'b', action: text, actor: text, object: text, outcome: text, detail: { text } },
});

/** RFC 4180, as a reader of it would take it apart. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  for (const [, quoted, plain] of line.replace(/\r\n$/, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)) cells.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
  return cells;
}

const formulas = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1', '＋1', '－1', '＠x', '"=1', "'=1", '\n=cmd|\'/C calc\'!A0', '=HYPERLINK("http://x")'];

test('no cell of a CSV is a formula, whatever the trail says', t => {
  for (const text of formulas) {
    t.regex(csvCell(text), /^"'/, JSON.stringify(text));
    for (const cell of cellsOf(csvLine(hostile(text)))) t.notRegex(cell, /^[\s"]*[=+\-@＝＋－＠]/, JSON.stringify(text));
  }
  t.is(csvCell('/srv/models/a-b=c+d@e'), '"/srv/models/a-b=c+d@e"');
});

test('a CSV line has as many cells as its header, whatever is in them', t => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', '=', 'a', ';') }), text => {
    const cells = cellsOf(csvLine(hostile(text)));
    return cells.length === csvHeader.split(',').length && cells[6]?.replace(/^'/, '') === text.replace(/^'(?=[\s'"]*[=+\-@])/, '');
  }), { numRuns: 500 });
  t.pass();
});

test('no text of the trail becomes markup of the page', t => {
  const text = '<script>alert(1)</script><img src=x onerror=\'a\' title="b">&amp;</td>';
  const row = htmlRow(hostile(text));
  t.notRegex(row.replaceAll(/<\/?(tr|td|code)>/g, ''), /[<>"']/);
  t.is(escapeHtml('&<>"\''), '&amp;&lt;&gt;&quot;&#39;');
});

test('the page stands alone: nothing runs, nothing is loaded, faults are in it', t => {
  const at = place(t);
  written(at, 3);
  const [report] = verifyTrail(at.directory, []);
  const page = `${htmlHead(report ? [{ ...report, faults: [{ place: 'record 2', fault: '<b>changed</b>' }] }] : [], ever, new Date(0))}${htmlFoot}`;
  t.regex(page, /default-src 'none'/);
  t.notRegex(page, /<script|<link|<img|src=|href=|url\(/);
  t.regex(page, /record 2: &lt;b&gt;changed/);
  t.regex(page, /Made 1970-01-01T00:00:00\.000Z; records from open to open/);
});
