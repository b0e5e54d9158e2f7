import test from 'ava';
import { z } from 'zod';
import { defineDetector } from '../../../agent/contract/detector.ts';
import { createDetection } from '../../../agent/pipeline/detect.ts';
import { createMemory } from '../../../agent/pipeline/memory.ts';
import { artifactInspected, baselineRestored, hostSampled, mxnetCalled, observation } from '../../builders.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const counting = defineDetector({
  name: 'counting', sees: 'stream', wants: ['mxnet.called'], config: z.strictObject({}),
  create: (_, memory) => call => {
    const count = Number(memory.get('count') ?? 0) + 1;
    memory.set('count', count);
    return [{ rule: 'counting.seen', severity: 'info', confidence: 1, at: call.at, because: [call.id], techniques: [], summary: String(count) }];
  },
});
const broken = defineDetector({ name: 'broken', sees: 'stream', wants: ['mxnet.called'], config: z.strictObject({}), create: () => () => { throw new TypeError('a bug'); } });
const configs = new Map<string, unknown>([['counting', {}], ['broken', {}]]);

test('a detector sees the kinds it wants and its findings carry a stable id and its name', t => {
  const detection = createDetection([counting], configs, log);
  t.deepEqual(detection.see(hostSampled()), []);
  t.like(detection.see(mxnetCalled({ id: 'e7' }))[0], { id: 'e7:counting.seen', detector: 'counting', because: ['e7'] });
});

test('a detector that is off sees nothing', t => {
  t.deepEqual(createDetection([counting], new Map(), log).see(mxnetCalled()), []);
});

test('a detector that throws does not stop the others, and is itself a finding', t => {
  const detection = createDetection([broken, counting], configs, log);
  t.deepEqual(detection.see(mxnetCalled()).map(finding => finding.rule), ['agent.detector-failed', 'counting.seen']);
  t.is(detection.failures, 1);
});

test('what the inspector observed becomes findings with the event as evidence', t => {
  const [finding] = createDetection([], configs, log).see(artifactInspected({ id: 'e3', observations: [observation()] }));
  t.like(finding, { rule: 'kind.disagrees-with-name', because: ['e3'], detector: 'kind' });
});

test('a recorded baseline is what the detector remembers', t => {
  const detection = createDetection([counting], configs, log);
  detection.see(baselineRestored({ detector: 'counting', entries: [['count', 41]] }));
  t.is(detection.see(mxnetCalled())[0]?.summary, '42');
});

test('a memory forgets the least recently written first and tells what to store', t => {
  const memory = createMemory();
  for (let at = 0; at < 20_010; at++) memory.set(`k${at}`, at);
  t.is(memory.get('k9'), undefined);
  t.is(memory.get('k10'), 10);
  const first = memory.takeChanges();
  t.is(first.set.length, 20_000);
  t.is(first.forgotten.length, 10);
  memory.set('k11', 'x'.repeat(5_000));
  t.deepEqual(memory.takeChanges().set.map(([key, value]) => [key, String(value).length]), [['k11', 1_024]]);
  t.deepEqual(memory.takeChanges(), { set: [], forgotten: [] });
});
