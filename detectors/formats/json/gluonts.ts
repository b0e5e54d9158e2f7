import { quoted } from '../quote.ts';
import type { Report, Where } from '../report.ts';
import { isAllowedClass } from './classes.ts';

/** What one JSON object says about itself, as far as it names classes. Later keys count, but every one is looked at. */
export interface Naming {
  readonly kinds: string[];
  /** Null for a `class` that is no text and no type named in an object of its own. */
  readonly classes: (string | null)[];
}

/** What GluonTS does with the object when it decodes the document (gluonts.core.serde): import the path, and call it. */
export function checkNaming({ kinds, classes }: Naming, where: Where, report: Report) {
  if (kinds.length === 0) return;
  for (const kind of kinds) {
    if (['type', 'instance', 'stateful'].includes(kind)) continue;
    note(report, 'unknown-kind', 'medium', `An object has the kind ${quoted(kind)}, which GluonTS does not know`, where);
  }
  if (classes.length === 0) note(report, 'no-class', 'medium', 'An object has a kind and names no class', where);
  const called = kinds.some(kind => kind !== 'type');
  for (const path of classes) {
    if (path === null) { note(report, 'computed-class', called ? 'critical' : 'high', 'The class of an object is computed and not named', where); continue; }
    checkClass(path, called, where, report);
  }
}

export function checkClass(path: string, called: boolean, where: Where, report: Report) {
  if (isAllowedClass(path, called)) return;
  if (called) note(report, 'foreign-class', 'critical', `Decoding the document imports and calls ${quoted(path, 200)}`, where);
  else note(report, 'foreign-type', 'high', `Decoding the document imports ${quoted(path, 200)}`, where);
}

function note(report: Report, what: string, severity: 'medium' | 'high' | 'critical', message: string, where: Where) {
  const techniques = severity === 'medium' ? ['AML.T0011.000'] : ['AML.T0011.000', 'AML.T0018.002', 'T1059.006'];
  report.note({ rule: `gluonts.${what}`, severity, confidence: severity === 'medium' ? 0.7 : 0.9, message, where, techniques });
}
