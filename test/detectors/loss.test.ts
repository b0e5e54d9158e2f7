import test from 'ava';
import loss from '../../detectors/loss.ts';
import { eventsLost, memory, noon, sensorChanged, storeDamaged } from '../builders.ts';

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

test('alerts that the outbox dropped are told as what they are, and are as grave as they were, up to high', t => {
  for (const [severity, told] of [['info', 'low'], ['low', 'low'], ['medium', 'medium'], ['high', 'high'], ['critical', 'high']] as const) {
    t.like(start()(eventsLost({ where: 'outbox', severity, count: 4 }))[0], { rule: 'loss.events', severity: told, summary: `4 alerts of severity ${severity} were dropped from the outbox before every receiver had them` });
  }
  const see = start();
  see(eventsLost({ where: 'outbox', severity: 'low' }));
  t.is(see(eventsLost({ where: 'outbox', severity: 'critical' })).length, 1, 'graver ones do not wait for their minute');
});

test('a damaged state is told with what is saved and lost; high when undelivered alerts may be lost', t => {
  t.like(start()(storeDamaged())[0], { rule: 'loss.state', severity: 'medium' });
  t.regex(start()(storeDamaged())[0]?.summary ?? '', /malformed\): it is set aside as state\.db\.damaged-\S+; 120 rows are saved, none lost$/);
  t.is(start()(storeDamaged({ lost: 3, alertsLost: 0 }))[0]?.severity, 'medium');
  const [grave] = start()(storeDamaged({ lost: 3, alertsLost: 2 }));
  t.like(grave, { severity: 'high' });
  t.regex(grave?.summary ?? '', /3 lost, 2 undelivered alerts among them$/);
  const [unknown] = start()(storeDamaged({ lost: null, alertsLost: null }));
  t.like(unknown, { severity: 'high' });
  t.regex(unknown?.summary ?? '', /an unknown number lost, alerts that were not delivered may be among them$/);
});
