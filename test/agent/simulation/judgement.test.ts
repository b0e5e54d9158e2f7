import test from 'ava';
import type { RecentFinding } from '../../../agent/recent.ts';
import { blindTo, expectedOf, isOurs } from '../../../agent/simulation/judgement.ts';
import type { Scenario, Sight } from '../../../agent/simulation/scenario.ts';
import type { Status } from '../../../agent/status.ts';
import { finding } from '../../builders.ts';

const scenario = (seenBy: readonly Sight[] = []): Scenario => ({ name: 'x', rule: 'child.shell', or: ['child.first-ever'], techniques: ['T1059.004', 'AML.T0050'], does: 'x', steps: [], seenBy });
const said = (more: Partial<RecentFinding>): RecentFinding => ({ ...finding({ rule: 'child.shell' }), toldAt: 0, collector: 'exec', level: null, processes: [], path: null, ...more });
const collector = (more: Partial<Status['collectors'][number]>) => ({ collectors: [{ name: 'system', state: 'armed', reason: null, restarts: 0, sees: 'bpf-base', blind: [], ...more }] });

test('a finding is ours by the process and its start, not by the number alone, nor by the rule', t => {
  const own = { processes: [{ pid: 7, startTicks: 100 }], folders: ['/tmp/ours', ''] };
  t.true(isOurs(said({ processes: [{ pid: 9, startTicks: 1 }, { pid: 7, startTicks: 100 }] }), own));
  t.false(isOurs(said({ processes: [{ pid: 7, startTicks: 99 }] }), own));
  t.false(isOurs(said({}), own));
});

test('a finding is ours by a file below a folder of ours, not beside it', t => {
  const own = { processes: [], folders: ['/tmp/ours', ''] };
  t.true(isOurs(said({ path: '/tmp/ours/a/x.params' }), own));
  t.false(isOurs(said({ path: '/tmp/ours-not/x.params' }), own));
  t.false(isOurs(said({ path: '/srv/x.params' }), own), 'a folder that was not made owns nothing');
});

test('expected is the rule with its very techniques, or what other levels say in its place', t => {
  const right = said({ techniques: ['AML.T0050', 'T1059.004'] });
  t.is(expectedOf(scenario(), [said({ techniques: ['T1105'] }), right]), right);
  t.is(expectedOf(scenario(), [said({ techniques: ['T1105'] })]), undefined);
  t.is(expectedOf(scenario(), [said({ rule: 'child.first-ever', techniques: [] })])?.rule, 'child.first-ever');
});

test('blindness is what the collectors of the running agent say themselves', t => {
  const sight: Sight = { collector: 'system', level: 'kernel', facts: ['mounts', 'bpf'] };
  t.is(blindTo(scenario([sight]), collector({})), null);
  t.regex(blindTo(scenario([sight]), { collectors: [] }) ?? '', /system is not configured/);
  t.regex(blindTo(scenario([sight]), collector({ state: 'unavailable', reason: 'no bpf' })) ?? '', /unavailable: no bpf/);
  t.regex(blindTo(scenario([sight]), collector({ sees: 'unprivileged' })) ?? '', /level unprivileged/);
  t.regex(blindTo(scenario([sight]), collector({ blind: ['tracing, mounts, perf events: no program of ours for them runs on this kernel'] })) ?? '', /does not see mounts/);
  t.is(blindTo(scenario([sight]), collector({ blind: ['changes of mounts that are taken back', 'a bpf of others'] })), null, 'a word within a sentence is no fact');
});
