import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { notActed, scenarios } from '../../agent/simulation/scenarios.ts';
import { describeTechnique } from '../../forwarders/encode/techniques.ts';
import { coverageFile, readCoverage, writeCoverage } from '../services/coverage.ts';
import { readRules } from './rule-reader.ts';
import { readTables, rowOf } from './rule-tables.ts';

const root = join(import.meta.dirname, '../..');
const provoked = new Set(scenarios.flatMap(({ rule, or = [] }) => [rule, ...or]));
/** What sees files: its rules are in docs/detection.md. */
const ofFiles = /detectors\/(formats|model)\/|detectors\/inspection\.ts$/;

test('every rule of a stream detector is acted out, or said not to be, and none is both', async t => {
  t.timeout(120_000);
  await setImmediate();
  const { rules, open } = readRules(globSync(join(root, 'detectors/**/*.ts')).filter(file => !ofFiles.test(file)));
  t.deepEqual(open, []);
  t.true(rules.size > 100);
  const said = [...rules.keys()];
  t.deepEqual(said.filter(rule => !provoked.has(rule) && notActed[rule] === undefined), []);
  t.deepEqual(Object.keys(notActed).filter(rule => provoked.has(rule) || !rules.has(rule)), []);
  const files = readTables(readFileSync(join(root, 'docs/detection.md'), 'utf8'));
  t.deepEqual([...provoked].filter(rule => !rules.has(rule) && !rowOf(files, rule)), []);
});

test('every scenario has a name of its own, says what it does, and cites techniques that have a name', t => {
  t.is(new Set(scenarios.map(({ name }) => name)).size, scenarios.length);
  for (const { name, does, steps, seenBy, techniques } of scenarios) {
    t.regex(name, /^[a-z]+(-[a-z]+)*$/);
    t.true(does.length > 10 && steps.length > 0 && seenBy.length > 0 && techniques.length > 0, name);
    for (const id of techniques) { const { technique, sub_technique } = describeTechnique(id); t.truthy((sub_technique ?? technique)?.name, `${name} ${id}`); }
  }
});

test('the page of coverage has these scenarios and no others', t => {
  const page = readFileSync(coverageFile, 'utf8');
  t.is(writeCoverage(readCoverage(page)), page);
});
