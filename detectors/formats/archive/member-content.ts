import { readText } from '../../../agent/contract/text.ts';
import { expectationOf } from '../expectation.ts';
import { headBytes, kindOf } from '../kind.ts';
import { judgeName as judgeKind } from '../naming.ts';
import type { Report } from '../report.ts';
import type { Source } from '../source.ts';

/**
 * Inspects what a member holds, and whether it is what its name says. An empty file is nothing to inspect where its name
 * promises no model: Python packages have empty modules.
 */
export function inspectContent(name: Uint8Array, content: Source, report: Report) {
  const shown = readText(name, 1_024);
  const last = shown.slice(shown.lastIndexOf('/') + 1);
  if (content.size === 0 && expectationOf(last) === null) return;
  const kind = kindOf(last, content.read(0, headBytes)).format;
  for (const { summary, ...judgement } of judgeKind(last, kind)) report.note({ ...judgement, message: summary, where: { member: shown } });
  report.nested(shown, content);
}
