import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { severities } from '../../agent/contract/finding.ts';
import { describeTechnique } from '../../forwarders/encode/techniques.ts';
import { behaviours, play } from '../detectors/behaviours/play.ts';
import { readRules } from './rule-reader.ts';
import { readTables, sorted } from './rule-tables.ts';

const root = join(import.meta.dirname, '../..');
const rows = readTables(readFileSync(join(root, 'detectors/README.md'), 'utf8'));

/** Where rules of behaviours are said, as far as the page has tables for them. */
const sources = ['detectors/{beacon,child,connection,scan,theft}.ts', 'detectors/{programs,network}/*.ts', 'agent/pipeline/{detect,exceptions}.ts'];
/** The status repeats the rule that the configuration names. */
const passedOn = ['agent/pipeline/exceptions.ts: rule'];
/** Said by the pipeline, of what others did. */
const withoutCase = ['agent.excepted', 'agent.detector-failed'];

/** What each behaviour makes its rule say last. */
const met = behaviours.flatMap(({ rule, name, events, config }) => play(events, config).filter(finding => finding.rule === rule).slice(-1).map(finding => ({ ...finding, name })));

test('every rule that these detectors can say has a row, and there is no other row', async t => {
  t.timeout(60_000);
  await setImmediate();
  const { rules, open } = readRules(sources.flatMap(pattern => globSync(join(root, pattern))));
  t.deepEqual(open, passedOn);
  t.deepEqual(rows.map(({ rule }) => rule).sort(), [...rules.keys()].sort());
});

test('every behaviour has a severity and ids that its row states', t => {
  for (const { rule, severity, techniques, name } of met) {
    const row = rows.find(each => each.rule === rule);
    t.true(row?.severities.includes(severity), `${rule} is ${severity}: ${name}`);
    t.true(row?.techniques.get(severity)?.includes(sorted(techniques)), `${rule} cites ${techniques.join(', ')}: ${name}`);
  }
});

test('every severity and every set of ids that a row states is met by a behaviour', t => {
  for (const { rule, severities: stated, techniques } of rows.filter(each => !withoutCase.includes(each.rule))) {
    const own = met.filter(finding => finding.rule === rule);
    t.deepEqual(stated.filter(severity => !own.some(finding => finding.severity === severity)), [], rule);
    t.deepEqual([...new Set([...techniques.values()].flat())].filter(ids => !own.some(finding => sorted(finding.techniques) === ids)), [], rule);
  }
});

test('every id of the tables has a name, and severities stand in their order', t => {
  for (const { rule, severities: stated, techniques } of rows) {
    t.deepEqual(stated, severities.filter(each => stated.includes(each)), rule);
    for (const id of [...techniques.values()].flat().flatMap(set => set.split(' ')).filter(each => each !== '')) {
      const { technique, sub_technique, tactic } = describeTechnique(id);
      t.truthy((sub_technique ?? technique)?.name, id);
      t.truthy(tactic?.name, id);
    }
  }
});
