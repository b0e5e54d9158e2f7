import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { z } from 'zod';
import { type CollectorPort, defineCollector } from '../../../agent/contract/collector.ts';
import { UnavailableError } from '../../../agent/contract/errors.ts';
import type { Draft } from '../../../agent/contract/event.ts';
import { supervise } from '../../../agent/pipeline/supervise.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const host = { proc: '/proc', sys: '/sys', tracefs: '/sys/kernel/tracing' };
const configs = new Map<string, unknown>([['one', {}], ['two', {}]]);

function rig() {
  const drafts: Draft[] = [];
  const calls: string[] = [];
  const collector = (name: string, start: (port: CollectorPort) => void = () => {}) => defineCollector({
    name, config: z.strictObject({}), needs: [], without: `what ${name} sees`,
    async start(_, port) {
      calls.push(`start ${name}`);
      start(port);
      return { async [Symbol.asyncDispose]() { calls.push(`stop ${name}`); } };
    },
  });
  return { drafts, calls, collector, port: { host, log, emit: (_: string, draft: Draft) => { drafts.push(draft); } } };
}

test('collectors start in order and stop in reverse', async t => {
  const { calls, collector, port } = rig();
  const running = await supervise([collector('one'), collector('two')], configs, port);
  t.deepEqual(running.states().map(one => one.state), ['armed', 'armed']);
  await running[Symbol.asyncDispose]();
  t.deepEqual(calls, ['start one', 'start two', 'stop two', 'stop one']);
});

test('one that this host cannot run is passed over, with the reason and what is not seen', async t => {
  const { drafts, collector, port } = rig();
  await using running = await supervise([collector('one', () => { throw new UnavailableError('no tracefs'); }), collector('two')], configs, port);
  t.like(running.states()[0], { state: 'unavailable', reason: 'no tracefs' });
  t.like(running.states()[1], { state: 'armed' });
  t.like(drafts[0], { kind: 'sensor.changed', sensor: 'one', state: 'down', blind: ['what one sees'] });
});

test('one that breaks is started again, and the gap is a fact', async t => {
  const { drafts, calls, collector, port } = rig();
  let fail: (error: Error) => void = () => {};
  await using running = await supervise([collector('one', one => { fail = one.fail; })], configs, port);
  fail(new Error('the source is gone'));
  for (let tries = 0; calls.filter(call => call === 'start one').length < 2 && tries < 100; tries++) await delay(50);
  t.deepEqual(calls, ['start one', 'stop one', 'start one']);
  t.deepEqual(drafts.map(draft => draft.kind === 'sensor.changed' ? draft.state : draft.kind), ['down', 'events.lost', 'armed']);
  t.like(running.states()[0], { state: 'armed', restarts: 1 });
});

test('one that breaks while it starts does not hold up the others', async t => {
  const { collector, port } = rig();
  await using running = await supervise([collector('one', () => { throw new TypeError('a bug'); }), collector('two')], configs, port);
  t.deepEqual(running.states().map(one => one.state), ['restarting', 'armed']);
});

test('a word from a collector that was stopped already changes nothing', async t => {
  const { drafts, collector, port } = rig();
  let fail: (error: Error) => void = () => {};
  const running = await supervise([collector('one', one => { fail = one.fail; })], configs, port);
  await running[Symbol.asyncDispose]();
  fail(new Error('late'));
  t.is(running.states()[0]?.state, 'stopped');
  t.deepEqual(drafts, []);
});

test('new settings touch only what they change', async t => {
  const { calls, collector, port } = rig();
  await using running = await supervise([collector('one'), collector('two')], configs, port);
  await running.apply(new Map([['one', {}], ['two', {}]]));
  t.deepEqual(calls, ['start one', 'start two']);
  await running.apply(new Map([['one', {}], ['two', { changed: true }]]));
  t.deepEqual(calls.slice(2), ['stop two', 'start two']);
  await running.apply(new Map([['two', { changed: true }]]));
  t.deepEqual(calls.slice(4), ['stop one']);
  t.deepEqual(running.states().map(one => one.name), ['two']);
});
