import { bytesOf } from '../contract/text.ts';
import type { Result, ResultFinding } from './result.ts';

const levels = { critical: 'error', high: 'error', medium: 'warning', low: 'note', info: 'note' } as const;
/** GitHub and others sort by it: CVSS-like, 0 to 10. */
const scores = { critical: '9.5', high: '8.0', medium: '5.0', low: '2.0', info: '0.0' } as const;
/** SARIF has no place for the members of a file; results beyond this are counted in the run's notifications. */
const mostResults = 25_000;

/**
 * A log of one run (SARIF 2.1.0, OASIS). A finding is a result; what was not examined is a notification, and makes
 * `executionSuccessful` false, so that nobody takes silence for clean.
 */
export function sarifLog(results: readonly Result[], version: string): object {
  const findings = results.flatMap((result, index) => result.findings.filter(({ severity }) => severity !== 'info').map(finding => ({ result, index, finding })));
  const told = findings.slice(0, mostResults);
  const byRule = Map.groupBy(told, ({ finding }) => finding.rule);
  const rules = [...byRule.keys()].sort();
  const numbers = new Map(rules.map((rule, index) => [rule, index]));
  const unexamined = results.filter(({ verdict }) => verdict === 'incomplete' || verdict === 'unsupported');
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'mxwarden', version, semanticVersion: version, rules: rules.map(id => ruleOf(id, (byRule.get(id) ?? []).map(({ finding }) => finding))) } },
      artifacts: results.map(artifactOf),
      results: told.map(({ result, index, finding }) => resultOf(result, index, finding, numbers.get(finding.rule) ?? -1)),
      invocations: [{
        executionSuccessful: unexamined.length === 0 && told.length === findings.length,
        toolExecutionNotifications: [
          ...unexamined.slice(0, 1_000).map(notExamined),
          ...findings.length > told.length ? [{ level: 'error', message: { text: `${findings.length - told.length} more results are left out` } }] : [],
        ],
      }],
      columnKind: 'utf16CodeUnits',
    }],
  };
}

function ruleOf(id: string, findings: readonly ResultFinding[]) {
  const severity = (['critical', 'high', 'medium', 'low'] as const).find(level => findings.some(finding => finding.severity === level)) ?? 'low';
  const tags = [...new Set(findings.flatMap(({ attack }) => attack))].sort();
  return {
    id, name: id.split(/[.-]/).map(part => part.charAt(0).toUpperCase() + part.slice(1)).join(''),
    shortDescription: { text: id }, defaultConfiguration: { level: levels[severity] },
    properties: { tags: ['security', ...tags], 'security-severity': scores[severity] },
  };
}

/** RFC 8089 and 3986: every byte that is not unreserved as `%NN`, so that a name in any encoding survives. */
function uriOf(path: string): string {
  const absolute = path.startsWith('/') ? bytesOf(path) : Buffer.concat([Buffer.from(`${process.cwd()}/`), bytesOf(path)]);
  return `file://${absolute.toString('latin1').replace(/[^A-Za-z0-9\-._~/]/g, byte => `%${byte.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)}`;
}

function artifactOf({ path, size, sha256 }: Result) {
  return { location: { uri: uriOf(path) }, ...size === null ? {} : { length: size }, ...sha256 === null ? {} : { hashes: { 'sha-256': sha256 } } };
}

function resultOf(result: Result, index: number, { rule, severity, message, where, evidence }: ResultFinding, ruleIndex: number) {
  const region = where.line !== undefined ? { startLine: Math.max(1, where.line) }
    : where.offset !== undefined && where.member === undefined ? { byteOffset: where.offset, byteLength: where.length ?? 0 } : null;
  const logical = [where.member, where.pointer, where.opcode === undefined ? undefined : `opcode ${where.opcode}`].filter(part => part !== undefined);
  return {
    ruleId: rule, ruleIndex, level: levels[severity], message: { text: evidence === null ? message : `${message} Evidence: ${evidence}` },
    locations: [{
      physicalLocation: { artifactLocation: { uri: uriOf(result.path), index }, ...region === null ? {} : { region } },
      ...logical.length === 0 ? {} : { logicalLocations: logical.map(name => ({ fullyQualifiedName: name })) },
    }],
    partialFingerprints: { 'mxwarden/v1': [result.sha256 ?? result.path, rule, JSON.stringify(where)].join(' ') },
    properties: { verdict: result.verdict, format: result.format },
  };
}

function notExamined({ path, verdict, coverage }: Result) {
  return {
    level: 'error', descriptor: { id: `inspect.${verdict}` },
    message: { text: `Not examined to its end: ${path}${coverage.skipped[0] ? `: ${coverage.skipped[0].why}` : ''}` },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(path) } } }],
  };
}
