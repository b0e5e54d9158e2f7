import test from 'ava';
import type { HeartbeatEnvelope } from '../../../agent/contract/forwarder.ts';
import { RetryableError } from '../../../agent/contract/errors.ts';
import { createHeartbeat, type HeartbeatParts } from '../../../agent/pipeline/heartbeat.ts';
import { host, mxnetCalled, noon } from '../../builders.ts';

function rig(change: Partial<HeartbeatParts> = {}) {
  const sent: HeartbeatEnvelope[] = [];
  const beat = createHeartbeat({
    host: host(), version: '0.1.0', run: 'r1', settings: () => ({ enabled: true, intervalMs: 86_400_000 }), lastSequence: () => 7,
    sensors: () => [{ name: 'mxnet', state: 'armed', level: 'tracefs', reason: null }, { name: 'network', state: 'unavailable', level: null, reason: 'needs root' }],
    facts: () => ({ startedAt: noon, events: { emitted: 1, lost: 0 }, openIncidents: 0, storeFailure: null }),
    send: envelope => { sent.push(envelope); }, ...change,
  });
  return { beat, sent };
}

test('the first one goes out at once, the next when the interval is over', t => {
  const { beat, sent } = rig();
  for (let tick = 0; tick < 3; tick += 1) beat.tick();
  t.is(sent.length, 1);
  const brisk = rig({ settings: () => ({ enabled: true, intervalMs: 0 }) });
  for (let tick = 0; tick < 3; tick += 1) brisk.beat.tick();
  t.is(new Set(brisk.sent.map(({ id }) => id)).size, 3);
});

test('it says of each sensor when it last spoke, and which do not work', t => {
  const { beat, sent } = rig();
  beat.see(mxnetCalled({ at: noon + 5 }));
  beat.tick();
  t.like(sent[0], { type: 'heartbeat', sequence: 7, body: { title: 'The agent lives, 1 of 2 sensors work: network is unavailable', intervalMs: 86_400_000 } });
  t.deepEqual(sent[0]?.body.sensors.map(({ spokeAt }) => spokeAt), [noon + 5, null]);
});

test('switched off it is silent, also when that changes while the agent runs', t => {
  let enabled = false;
  const { beat, sent } = rig({ settings: () => ({ enabled, intervalMs: 86_400_000 }) });
  beat.tick();
  t.is(sent.length, 0);
  enabled = true;
  beat.tick();
  t.is(sent.length, 1);
});

test('a disk that cannot be read does not silence it', t => {
  let fails = false;
  const { beat, sent } = rig({ settings: () => ({ enabled: true, intervalMs: 0 }), lastSequence: () => { if (fails) throw new RetryableError('input/output error'); return 9; } });
  beat.tick();
  fails = true;
  beat.tick();
  t.deepEqual(sent.map(({ sequence }) => sequence), [9, 9]);
});
