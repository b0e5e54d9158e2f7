import test from 'ava';
import { scenarios } from '../../agent/simulation/scenarios.ts';
import { columnOf, mergeColumn, readCoverage, writeCoverage } from './coverage.ts';

const [first, second] = scenarios;
const printed = (result: string) => `${JSON.stringify({ version: 1, scenario: first?.name, result })}\n${JSON.stringify({ version: 1, summary: { actor: 'MXNet 1.9.1' } })}\n`;

test('results of one kernel become one column, and the others stay', t => {
  const once = writeCoverage(mergeColumn([], columnOf('6.1', '6.1', printed('seen'))));
  const twice = writeCoverage(mergeColumn(readCoverage(once), columnOf('bpf-base', '6.18', printed('blind'))));
  const columns = readCoverage(twice);
  t.deepEqual(columns.map(({ name }) => name), ['bpf-lsm', 'bpf-base', 'tracefs', '6.1', '6.12']);
  t.is(columns.find(({ name }) => name === '6.1')?.results.get(first?.name ?? ''), 'seen');
  t.is(columns.find(({ name }) => name === 'bpf-base')?.results.get(first?.name ?? ''), 'blind');
  t.is(columns.find(({ name }) => name === 'bpf-base')?.about, 'Linux 6.18, acted by MXNet 1.9.1');
  t.false(columns.some(({ results }) => results.has(second?.name ?? '')));
});

test('a page that is read and written again is the same page, and a new result takes the place of the old one', t => {
  const page = writeCoverage(mergeColumn([], columnOf('another', '5.15', printed('seen'))));
  t.is(writeCoverage(readCoverage(page)), page);
  t.is(readCoverage(writeCoverage(mergeColumn(readCoverage(page), columnOf('another', '5.15', printed('blind'))))).find(({ name }) => name === 'another')?.results.get(first?.name ?? ''), 'blind');
});
