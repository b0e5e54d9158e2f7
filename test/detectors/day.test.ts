import test from 'ava';
import { severities } from '../../agent/contract/finding.ts';
import { artifactInspected, child, fileChanged, identity, mxnetCalled, mxnetMapped, networkConnected, noon, pathArgument, processExecuted } from '../builders.ts';
import { benignDay } from './day.ts';
import { detection, findingsOf } from './feed.ts';

test('a benign day of training, serving, downloading and deploying has nothing above low, and few of those', t => {
  const findings = findingsOf(benignDay());
  t.deepEqual(findings.filter(finding => severities.indexOf(finding.severity) > severities.indexOf('low')).map(finding => finding.summary), []);
  const low = findings.filter(finding => finding.severity === 'low');
  const count = Object.fromEntries(Map.groupBy(low, finding => finding.rule).entries().map(([rule, of]) => [rule, of.length]));
  t.log(count);
  t.true(low.length < 60, `${low.length}`);
});

test('the second such day, with what was learned, is quieter still', t => {
  const by = detection();
  const first = findingsOf(benignDay(), by).filter(finding => finding.severity === 'low').length;
  const entries = [...by.memories].map(([name, kept]) => [name, kept.entries()] as const);
  const next = detection();
  for (const [name, kept] of entries) next.memories.get(name)?.restore(kept);
  const tomorrow = benignDay().map(event => ({ ...event, at: event.at + 86_400_000 }));
  const second = findingsOf(tomorrow, next);
  t.deepEqual(second.filter(finding => severities.indexOf(finding.severity) > severities.indexOf('low')), []);
  t.log({ first, second: second.filter(finding => finding.severity === 'low').length });
  t.true(second.filter(finding => finding.severity === 'low').length < first);
});

test('the same events give the same findings', t => {
  t.deepEqual(findingsOf(benignDay()), findingsOf(benignDay()));
});

test('no detector fails, and all their memory fits its keys', t => {
  const by = detection();
  findingsOf(benignDay(), by);
  t.is(by.failures, 0);
  for (const kept of by.memories.values()) {
    for (const [key, value] of kept.entries()) {
      t.true(key.length <= 512, key);
      t.true(String(value).length < 1_000, key);
    }
  }
});

test('a server that loads a replaced model, runs a shell and connects is told rule by rule', t => {
  const swapped = identity({ inode: '9', size: 5_000, ctimeNs: '1795521600500000000' });
  const story = [
    mxnetMapped({ id: '1', at: noon - 60_000 }), fileChanged({ id: '2', at: noon - 50_000, change: 'found' }),
    artifactInspected({ id: '3', at: noon - 49_000 }), fileChanged({ id: '4', at: noon - 500, file: swapped }),
    mxnetCalled({ id: '5', argument: pathArgument({ file: swapped }) }),
    processExecuted({ id: '6', at: noon + 300, process: child() }),
    networkConnected({ id: '7', at: noon + 400, address: '127.0.0.1', port: 9_000 }),
  ];
  t.deepEqual(findingsOf(story).map(({ rule, severity, because }) => [rule, severity, because]), [
    ['load.not-inspected', 'low', ['5']], ['child.shell', 'high', ['6', '5']], ['connection.first', 'low', ['7', '5']],
  ]);
});
