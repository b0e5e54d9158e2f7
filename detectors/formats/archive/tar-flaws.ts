import type { Severity } from '../../../agent/contract/finding.ts';
import type { Report } from '../report.ts';

interface Flaw { readonly severity: Severity; readonly confidence: number; readonly techniques: readonly string[] }

const privilege: Flaw = { severity: 'high', confidence: 0.9, techniques: ['T1548.001', 'AML.T0011.000'] };
/** One reader sees members or contents that another does not. */
const divided: Flaw = { severity: 'high', confidence: 0.9, techniques: ['T1036', 'AML.T0076'] };
const hidden: Flaw = { severity: 'high', confidence: 0.9, techniques: ['T1027.009', 'AML.T0018.002'] };
const carrier: Flaw = { severity: 'medium', confidence: 0.8, techniques: ['T1027.009', 'AML.T0018.002'] };
const confusing: Flaw = { severity: 'medium', confidence: 0.8, techniques: ['T1036', 'AML.T0074'] };
const abnormal: Flaw = { severity: 'medium', confidence: 0.8, techniques: ['AML.T0076'] };
const exhausting: Flaw = { severity: 'medium', confidence: 0.7, techniques: ['T1499.004', 'AML.T0029'] };
const odd: Flaw = { severity: 'low', confidence: 0.7, techniques: [] };
const neutral: Flaw = { severity: 'info', confidence: 1, techniques: [] };

/** Everything that is said of a tar archive, `tar.` before each. */
const flaws = {
  'capability': privilege,
  'header': divided, 'size-field': divided, 'sparse-map': divided, 'size-on-special': divided, 'prefix': divided, 'pax-size': divided, 'pax-global': divided, 'pax-nul': divided, 'pax-record': divided, 'pax-length': divided, 'name-twice': divided,
  'behind-end': hidden,
  'trailing': carrier, 'padding': carrier, 'reserved': carrier, 'after-nul': carrier,
  'slash-file': confusing, 'sparse-name': confusing, 'link-missing': confusing, 'link-target': confusing,
  'signed-sum': abnormal, 'magic': abnormal, 'number': abnormal, 'type': abnormal, 'pax-value': abnormal, 'pax-duplicate': abnormal, 'pax-several': abnormal,
  'extension-alone': abnormal, 'cut': abnormal, 'no-end': abnormal,
  'sparse-size': exhausting,
  'pax-unknown': odd,
  'label': neutral, 'links': neutral,
} as const satisfies Record<string, Flaw>;

export type FlawName = keyof typeof flaws;
/** `member` is a name as `readText` writes it. */
export type Tell = (flaw: FlawName, offset: number, message: string, member?: string) => void;

export const createTell = (report: Report): Tell => (flaw, offset, message, member) => {
  report.note({ rule: `tar.${flaw}`, ...flaws[flaw], message, where: { offset, ...(member === undefined ? {} : { member }) } });
};
