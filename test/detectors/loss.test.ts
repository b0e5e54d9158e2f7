import test from 'ava';
import loss from '../../detectors/loss.ts';
import { eventsLost, noon, sensorChanged, memory } from '../builders.ts';

const start = () => loss.create(loss.config.parse({}), memory());

test('lost events are low, and medium where loads or programs may be missing', t => {
  t.like(start()(eventsLost())[0], { rule: 'loss.events', severity: 'low' });
  t.is(start()(eventsLost({ where: 'kernel', what: 'network.connected' }))[0]?.severity, 'low');
  t.is(start()(eventsLost({ where: 'kernel', what: 'any' }))[0]?.severity, 'medium');
  t.is(start()(eventsLost({ where: 'stream', what: 'process.executed' }))[0]?.severity, 'medium');
  t.is(start()(eventsLost({ where: 'collector', what: 'mxnet.called' }))[0]?.severity, 'medium');
});

test('it is told at once, then once a minute with the sum of what was lost since', t => {
  const see = start();
  t.regex(see(eventsLost({ count: 3 }))[0]?.summary ?? '', /^3 events were lost in the stream/);
  t.deepEqual(see(eventsLost({ at: noon + 1_000, count: 5 })), []);
  t.deepEqual(see(eventsLost({ at: noon + 2_000, count: null })), []);
  t.regex(see(eventsLost({ at: noon + 60_000, count: 1 }))[0]?.summary ?? '', /^At least 6 events/);
});

test('another source is told for itself', t => {
  const see = start();
  see(eventsLost());
  t.is(see(eventsLost({ what: 'file.changed' })).length, 1);
});

test('a sensor that worked and went down is medium when loads or programs hang on it, else low', t => {
  for (const [sensor, severity] of [['mxnet', 'medium'], ['exec', 'medium'], ['watch', 'low']] as const) {
    const see = start();
    see(sensorChanged({ sensor }));
    const [finding] = see(sensorChanged({ sensor, state: 'down', blind: ['loads by new processes'] }));
    t.like(finding, { rule: 'loss.sensor-down', severity });
    t.regex(finding?.summary ?? '', /worked and is now down: loads by new processes/);
  }
});

test('a degraded sensor is low; one that never worked, or comes back, is none', t => {
  const see = start();
  see(sensorChanged());
  t.is(see(sensorChanged({ state: 'degraded' }))[0]?.severity, 'low');
  t.deepEqual(see(sensorChanged({ state: 'armed' })), []);
  t.deepEqual(start()(sensorChanged({ state: 'down' })), []);
  t.deepEqual(start()(sensorChanged({ state: 'degraded', level: 'unprivileged' })), []);
});
