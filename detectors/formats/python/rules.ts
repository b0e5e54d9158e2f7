import type { Severity } from '../../../agent/contract/finding.ts';

/** When code runs: as soon as the file is imported (or run), or only when somebody calls it. */
export type Level = 'import' | 'inside';

interface Rule { readonly severity: Readonly<Record<Level, Severity>>; readonly confidence: number; readonly techniques: readonly string[] }
const rule = (atImport: Severity, inside: Severity, techniques: string, confidence = 0.8): Rule => ({ severity: { import: atImport, inside }, confidence, techniques: techniques.split(' ') });

/** Every rule about what a Python file does, `python.` in front of its name. A function runs at request time: it is judged milder. */
export const rules = {
  'process': rule('critical', 'medium', 'T1059.006 T1059.004 AML.T0011.001', 0.85),
  'shell': rule('critical', 'high', 'T1059.004'),
  'network': rule('high', 'low', 'T1071 T1105'),
  'client': rule('info', 'info', 'T1071', 0.5),
  'environment': rule('info', 'info', 'T1552.001', 0.4),
  'evaluate': rule('high', 'medium', 'T1059.006'),
  'decode-execute': rule('critical', 'critical', 'T1140 T1027 T1059.006', 0.95),
  'download-execute': rule('critical', 'critical', 'T1105 T1059.006', 0.95),
  'dynamic-import': rule('medium', 'low', 'T1129', 0.5),
  'run-file': rule('high', 'medium', 'T1059.006'),
  'native': rule('high', 'low', 'T1129 T1620'),
  'library': rule('high', 'medium', 'T1129 AML.T0011.000'),
  'custom-operator': rule('info', 'info', 'AML.T0011.000', 0.5),
  'unpickle': rule('medium', 'low', 'AML.T0011.000', 0.6),
  'code-object': rule('high', 'medium', 'T1620 T1027'),
  'start-place': rule('critical', 'high', 'T1546.004 T1053.003 T1098.004', 0.9),
  'secret': rule('medium', 'low', 'T1552.001'),
  'exfiltration': rule('high', 'medium', 'T1041 T1552.001 AML.T0025'),
  'destroy': rule('critical', 'high', 'T1485', 0.9),
  'delete': rule('low', 'info', 'T1485', 0.5),
  'file-write': rule('low', 'info', 'T1105', 0.4),
  'reverse-shell': rule('critical', 'critical', 'AML.T0072 T1059.006 T1071', 0.9),
  'hidden-name': rule('critical', 'high', 'T1027 T1059.006', 0.95),
  'hidden-text': rule('high', 'medium', 'T1027 T1140', 0.9),
  'computed-attribute': rule('medium', 'low', 'T1027', 0.5),
  'tamper': rule('high', 'medium', 'T1574 T1562.001'),
  'modules': rule('medium', 'low', 'T1574', 0.5),
  'module-path': rule('medium', 'low', 'T1574', 0.6),
  'introspection': rule('medium', 'low', 'T1027', 0.5),
  'encoded-literal': rule('medium', 'medium', 'T1027', 0.5),
  'encoded-content': rule('high', 'high', 'T1027 AML.T0018.002', 0.85),
} as const satisfies Readonly<Record<string, Rule>>;
export type RuleName = keyof typeof rules;
