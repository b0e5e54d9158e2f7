import type { Severity } from '../../../agent/contract/finding.ts';
import type { Report } from '../report.ts';

interface Flaw { readonly severity: Severity; readonly confidence: number; readonly techniques: readonly string[] }

const crash: Flaw = { severity: 'critical', confidence: 0.99, techniques: ['T1203', 'AML.T0011.000'] };
const exhaustion: Flaw = { severity: 'high', confidence: 0.95, techniques: ['T1499.004', 'AML.T0011.000'] };
const abnormal: Flaw = { severity: 'medium', confidence: 0.8, techniques: ['AML.T0076'] };
const carrier: Flaw = { severity: 'medium', confidence: 0.8, techniques: ['T1027.009', 'AML.T0018.002'] };
const confusing: Flaw = { severity: 'medium', confidence: 0.8, techniques: ['T1036', 'AML.T0074'] };
const odd: Flaw = { severity: 'low', confidence: 0.7, techniques: [] };

/**
 * Everything that is said of an array container, `ndarray.` before each. What the loader of 1.9.1 does with it was
 * measured: critical ones crash it or make it read outside its memory, high ones make it ask for memory without bound.
 */
const flaws = {
  'ndim-minus-one': crash, 'size-overflow': crash, 'sparse-shape': crash, 'sparse-index': crash, 'sparse-dimension': crash,
  'count': exhaustion, 'name-count-claim': exhaustion, 'name-length': exhaustion, 'ndim': exhaustion, 'size-claim': exhaustion, 'oldest-ndim': exhaustion,
  'dimension': abnormal, 'dtype': abnormal, 'storage': abnormal, 'device': abnormal, 'no-content': abnormal, 'scalar': abnormal,
  'sparse-order': abnormal, 'sparse-count': abnormal, 'index-dtype': abnormal, 'v3-sparse': abnormal, 'v3-mixed': abnormal, 'reserved': abnormal, 'name-count': abnormal, 'many': abnormal,
  'trailing': carrier, 'handle-tail': carrier, 'long-name': carrier,
  'name-duplicate': confusing, 'name-nul': confusing, 'name-encoding': confusing, 'name-path': confusing, 'name-control': confusing,
  'name-empty': confusing, 'name-prefix': confusing,
  'mixed-layouts': odd, 'dtype-2x': odd, 'large': odd,
} as const satisfies Record<string, Flaw>;

export type FlawName = keyof typeof flaws;

export function noteFlaw(report: Report, name: FlawName, offset: number, message: string, evidence?: string) {
  const { severity, confidence, techniques } = flaws[name];
  report.note({ rule: `ndarray.${name}`, severity, confidence, techniques, message, where: { offset }, ...(evidence === undefined ? {} : { evidence }) });
}
