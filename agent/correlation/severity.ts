import { type Finding, severities, type Severity } from '../contract/finding.ts';

export const rank = (severity: Severity): number => severities.indexOf(severity);

/** Detectors that speak of the model and how it came here; the others speak of what its process did. */
const provenance = new Set(['change', 'kind', 'inspect', 'library']);
const provenanceRules = new Set(['load.replaced', 'load.not-inspected', 'load.outside-roots', 'load.world-writable', 'load.new-loader']);

const ofModel = (finding: Finding) => provenance.has(finding.detector) || provenanceRules.has(finding.rule);

/**
 * The gravest finding decides; one step more where a suspicion about the model and one about what its process did
 * stand together and the gravest is at least medium. Two weak novelties alone never become an alarm.
 */
export function combine(findings: readonly Finding[]): Severity {
  const counted = findings.filter(finding => rank(finding.severity) >= rank('low'));
  const top = Math.max(0, ...findings.map(finding => rank(finding.severity)));
  const both = counted.some(ofModel) && counted.some(finding => !ofModel(finding));
  return severities[both && top >= rank('medium') ? Math.min(top + 1, severities.length - 1) : top] ?? 'info';
}
