import test from 'ava';
import type { Exception } from '../../agent/config/exceptions.ts';
import { noon } from '../builders.ts';
import { type Behaviour, numbered } from './behaviours/behaviour.ts';
import { behaviours, nearMisses, play } from './behaviours/play.ts';

const exceptionFor = ({ rule, fact }: Behaviour, expires: string): Exception => ({ rule, ...fact, owner: 'ml-platform', reason: 'looked at', expires });

for (const rule of new Set(behaviours.map(each => each.rule))) {
  const own = behaviours.filter(each => each.rule === rule);

  test(`${rule}: every behaviour is told, as grave as it is, with what it did and which load came before`, t => {
    for (const { name, events, config, severity } of own) {
      const found = play(events, config).filter(finding => finding.rule === rule);
      t.deepEqual(found.map(finding => finding.severity).slice(-1), [severity], name);
      for (const { because, summary, techniques } of found) {
        const ids = numbered(events).map(event => event.id);
        t.true(because.every(id => ids.includes(id)), `${name}: ${because}`);
        t.is(because.includes('load'), events.some(event => event.id === 'load'), name);
        t.true(summary.length > 40 && summary.length < 1_000, summary);
        t.true(techniques.length > 0);
      }
    }
  });

  test(`${rule}: what nearly is it is not`, t => {
    const near = nearMisses.filter(each => each.rule === rule);
    t.true(near.length > 0);
    for (const { name, events, config, after = 0 } of near) t.deepEqual(play(events, config).filter(finding => finding.rule === rule && finding.at >= after).map(finding => finding.summary), [], name);
  });

  test(`${rule}: an exception suppresses it and says so, an expired one does neither`, t => {
    for (const behaviour of own) {
      const { name, events, config } = behaviour;
      const found = play(events, config, [exceptionFor(behaviour, '2099-12-31')]);
      t.deepEqual(found.filter(finding => finding.rule === rule && finding.severity === behaviour.severity && behaviour.severity !== 'info').map(finding => finding.summary), [], name);
      t.regex(found.filter(finding => finding.rule === 'agent.excepted').map(finding => finding.summary).join(), /ml-platform: looked at \(until 2099-12-31\)/, name);
      const [last] = play(events, config, [exceptionFor(behaviour, new Date(noon - 2 * 86_400_000).toISOString().slice(0, 10))]).filter(finding => finding.rule === rule).slice(-1);
      t.is(last?.severity, behaviour.severity, name);
      t.regex(last?.summary ?? '', /; the exception of ml-platform for this expired on 2026-11-22$/, name);
    }
  });
}

test('every near miss is one of a rule that is told', t => {
  t.deepEqual(nearMisses.filter(each => !behaviours.some(({ rule }) => rule === each.rule)), []);
});
