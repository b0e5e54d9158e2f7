import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { severities } from '../../agent/contract/finding.ts';
import type { Observation } from '../../agent/contract/finding.ts';
import { crossCheck } from '../../detectors/model/cross-check.ts';
import { describeTechnique } from '../../forwarders/encode/techniques.ts';
import { inspectBytes } from '../detectors/inspect-bytes.ts';
import { hostileModels } from '../fixtures/hostile/model.ts';
import { specimens } from '../fixtures/hostile/corpus.ts';
import { readRules } from './rule-reader.ts';
import { readTables, rowOf, sorted, speaksOf } from './rule-tables.ts';

const root = join(import.meta.dirname, '../..');
const rows = readTables(readFileSync(join(root, 'docs/detection.md'), 'utf8'));

/** Where rules of files are said. */
const sources = ['detectors/formats/**/*.ts', 'detectors/model/**/*.ts', 'agent/inspection/*.ts', 'agent/pipeline/inspect*.ts'];

/** Rules that these places pass on: each was made at another place, which is followed. */
const passedOn = [
  'agent/inspection/result.ts: rule',
  "detectors/formats/brevity.ts: key.slice(key.indexOf(' ') + 1)",
  "detectors/formats/symbol/node-dangers.ts: found.rule.slice('symbol.'.length)",
];

/** Rules that no file makes the detector say, and why. */
const withoutCase: Readonly<Record<string, string>> = {
  'gzip.ratio': 'it takes 256 MiB of unpacked bytes, and seconds; test/detectors/formats/archive/large.test.ts has one',
  'inspect.too-large': 'the agent says it by size alone',
  'inspect.incomplete': 'the agent says it when a file changes or a worker dies',
  'inspect.not-read': 'the verb says it of what it does not open',
};

type Observed = readonly (readonly [string, Observation])[];
let observed: Observed | undefined;

/** What is said of every hostile file, and by which. */
const observe = (): Observed => observed ??= [
  ...specimens().flatMap(({ name, file, bytes, config }) => inspectBytes(file, bytes, config).observations.map(each => [name, each] as const)),
  ...hostileModels.flatMap(({ name, model }) => crossCheck(model).map(({ message, ...note }) => [name, { ...note, summary: message }] as const)),
  // How often a rule was said beyond what is told is no finding of its own.
].filter(([, { severity, summary }]) => !(severity === 'info' && /^\d+ more of /.test(summary)));

test('the tables are read', t => {
  t.true(rows.length > 150, `${rows.length} rows`);
  t.deepEqual(rows.map(({ rule }) => rule).filter((rule, index, all) => all.indexOf(rule) !== index), []);
});

test('every rule that the code can say is in the tables, and the tables have no other', async t => {
  t.timeout(60_000);
  await setImmediate();
  const { rules, open } = readRules(sources.flatMap(pattern => globSync(join(root, pattern))));
  t.deepEqual(open, passedOn);
  t.deepEqual([...rules].filter(([rule]) => !rowOf(rows, rule)).map(([rule, file]) => `${rule} in ${file}`), []);
  const said = [...rules.keys()];
  t.deepEqual(rows.filter(row => !said.some(rule => speaksOf(row, rule))).map(({ rule }) => rule), []);
  t.deepEqual([...new Set(observe().map(([, { rule }]) => rule))].filter(rule => !said.some(each => new RegExp(`^${each.replaceAll('.', '\\.').replace('*', '[\\w-]+')}$`).test(rule))), []);
});

test('every finding of a hostile file has a severity and ids that its row states', async t => {
  t.timeout(60_000);
  await setImmediate();
  for (const [name, { rule, severity, techniques }] of observe()) {
    const row = rowOf(rows, rule);
    t.true(row?.severities.includes(severity), `${rule} is ${severity}: ${name}`);
    t.true(row?.techniques.get(severity)?.includes(sorted(techniques)), `${rule} cites ${techniques.join(', ')}: ${name}`);
  }
});

test('every severity and every set of ids that a row states is met by a hostile file', async t => {
  t.timeout(60_000);
  await setImmediate();
  const met = new Set(observe().map(([, { rule, severity, techniques }]) => `${rowOf(rows, rule)?.rule} ${severity} ${sorted(techniques)}`));
  const stated = rows.filter(({ rule }) => withoutCase[rule] === undefined)
    .flatMap(({ rule, techniques }) => [...techniques].flatMap(([severity, sets]) => sets.map(ids => `${rule} ${severity} ${ids}`)));
  t.deepEqual(stated.filter(each => !met.has(each)), []);
  t.deepEqual(Object.keys(withoutCase).filter(rule => !rows.some(row => row.rule === rule)), []);
});

test('every id of the tables has a name', t => {
  const ids = new Set(rows.flatMap(({ techniques }) => [...techniques.values()].flat()).flatMap(set => set.split(' ')).filter(id => id !== ''));
  t.deepEqual([...ids].filter(id => { const { technique, sub_technique } = describeTechnique(id); return !(sub_technique ?? technique)?.name; }), []);
});

test('severities stand in their order', t => {
  for (const row of rows) t.deepEqual(row.severities, severities.filter(each => row.severities.includes(each)), row.rule);
});
