import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv';
import formats from 'ajv-formats';
import test from 'ava';
import { cycloneDx } from '../../../agent/inspection/cyclonedx.ts';
import type { Result } from '../../../agent/inspection/result.ts';
import { notOpened } from '../../../agent/inspection/result.ts';
import { sarifLog } from '../../../agent/inspection/sarif.ts';

const require = createRequire(import.meta.url);
/** Without its own name and dialect: Ajv is told both. */
const schema = (path: string): object => {
  const { $schema, $id, id, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  return rest;
};

const clean: Result = {
  path: '/srv/models/net-0000.params', sha256: 'a'.repeat(64), size: 288, format: 'ndarray-container', verdict: 'clean', findings: [],
  coverage: { bytes: 288, parsed: 288, skipped: [] }, inventory: { arrays: 2 }, ms: 1.5,
};
const hostile: Result = {
  ...clean, path: String.raw`relative/a\x0a\xff "b".states`, format: 'pickle', verdict: 'malicious',
  findings: [
    { rule: 'pickle.unknown-global', severity: 'critical', message: 'It imports "os" "system"', where: { opcode: 1, offset: 2 }, evidence: '"cos\\nsystem"', attack: ['T1059.006', 'AML.T0011.000'] },
    { rule: 'symbol-json.cycle', severity: 'high', message: 'A cycle', where: { pointer: '/nodes/3', member: 'model.mar!/a-symbol.json' }, evidence: null, attack: [] },
    { rule: 'python.import-time-call', severity: 'medium', message: 'A call', where: { line: 3 }, evidence: null, attack: ['T1059'] },
    { rule: 'inspect.more', severity: 'info', message: 'more', where: {}, evidence: null, attack: [] },
  ],
};
const passed = notOpened('/dev/null', null, 'a device; only regular files are opened');
const all = [clean, hostile, passed];

test('the SARIF log is valid SARIF 2.1.0', t => {
  const ajv = new Ajv.default({ strict: false, allErrors: true, unicodeRegExp: false });
  formats.default(ajv);
  const valid = ajv.compile(schema(require.resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json')));
  const log = JSON.parse(JSON.stringify(sarifLog(all, '0.1.0'))) as object;
  t.true(valid(log), JSON.stringify(valid.errors, null, 1));
  t.false(valid({ ...log, version: '9' }), 'the schema refuses what is wrong');
});

test('in SARIF what was not examined makes the run unsuccessful, and no info is a result', t => {
  const { runs: [run] } = sarifLog(all, '0.1.0') as { runs: [{ results: { ruleId: string; level: string }[]; invocations: [{ executionSuccessful: boolean; toolExecutionNotifications: object[] }] }] };
  t.false(run.invocations[0].executionSuccessful);
  t.is(run.invocations[0].toolExecutionNotifications.length, 1);
  t.deepEqual(run.results.map(({ ruleId, level }) => `${ruleId} ${level}`), ['pickle.unknown-global error', 'symbol-json.cycle error', 'python.import-time-call warning']);
});

test('in SARIF each result points to its own file and rule, however many there are', t => {
  const many = Array.from({ length: 20_000 }, (_, number) => ({ ...hostile, path: `/m/${number}`, findings: hostile.findings.slice(number % 3, number % 3 + 1) }));
  const { runs: [run] } = sarifLog(many, '0.1.0') as { runs: [{ tool: { driver: { rules: { id: string }[] } }; results: { ruleId: string; ruleIndex: number; locations: [{ physicalLocation: { artifactLocation: { uri: string; index: number } } }] }[] }] };
  t.is(run.results.length, 20_000);
  t.true(run.results.every(({ ruleId, ruleIndex, locations: [{ physicalLocation: { artifactLocation: { uri, index } } }] }) => run.tool.driver.rules[ruleIndex]?.id === ruleId && uri === `file:///m/${index}`));
});

test('a name in any encoding becomes a URI that gives its bytes back', t => {
  const { runs: [run] } = sarifLog([hostile], '0.1.0') as { runs: [{ artifacts: [{ location: { uri: string } }] }] };
  t.regex(run.artifacts[0].location.uri, /^file:\/\/\/.*\/relative\/a%0A%FF%20%22b%22\.states$/);
});

test('the inventory is valid CycloneDX 1.6', t => {
  const folder = `${require.resolve('@cyclonedx/cyclonedx-library/package.json').replace(/package\.json$/, '')}res/schema/`;
  const ajv = new Ajv.default({ strict: false, allErrors: true, unicodeRegExp: false });
  formats.default(ajv);
  ajv.addFormat('iri-reference', true);
  ajv.addFormat('idn-email', true);
  for (const name of ['spdx', 'jsf-0.82']) ajv.addSchema(schema(`${folder}${name}.SNAPSHOT.schema.json`), `${name}.SNAPSHOT.schema.json`);
  const valid = ajv.compile(schema(`${folder}bom-1.6.SNAPSHOT.schema.json`));
  const bom = JSON.parse(JSON.stringify(cycloneDx(all, '0.1.0', new Date(0)))) as object;
  t.true(valid(bom), JSON.stringify(valid.errors, null, 1));
  t.false(valid({ ...bom, components: [{ name: 'without a type' }] }), 'the schema refuses what is wrong');
});
