import test from 'ava';
import { encodeAs, formats } from '../../../forwarders/encode/format.ts';
import { encodeHeartbeat } from '../../../forwarders/encode/heartbeat.ts';
import { encodeLogRecord } from '../../../forwarders/encode/otlp.ts';
import { syslogMessage } from '../../../forwarders/encode/syslog.ts';
import kafka, { messageOf, topicOf } from '../../../forwarders/kafka.ts';
import { testWith } from '../../services/require.ts';
import { envelope, heartbeat, host, t0 } from '../builders.ts';
import { faultsOf } from '../ocsf-validator.ts';

const one = heartbeat();
const hostile = '\u202e|=\\"\n\t\u001b[31m'.repeat(400);
const many = heartbeat({
  title: hostile, storeFailure: hostile,
  sensors: Array.from({ length: 500 }, (_, index) => ({ name: `${hostile}${index}`, state: hostile, level: hostile, reason: hostile, spokeAt: index % 2 ? Number.MAX_VALUE : t0 })),
});

test('a heartbeat says of each sensor whether it works, at which level, and when it last spoke', t => {
  const beat = encodeHeartbeat(one);
  t.like(beat, { class_uid: 6002, activity_name: 'Heartbeat', status: 'Impaired', time: t0, metadata: { uid: 'beat-1', sequence: 42 } });
  t.like(beat.unmapped.mxwarden, { interval_ms: 60_000, sensors_total: 2, sensors_impaired: 1, events: { emitted: 900, lost: 3 }, open_incidents: 1, store_failure: null });
  t.deepEqual(beat.unmapped.mxwarden.sensors, [
    { name: 'mxnet', state: 'armed', level: 'tracefs', reason: null, spoke: new Date(t0 - 4_000).toISOString() },
    { name: 'network', state: 'unavailable', level: null, reason: 'needs root', spoke: null },
  ]);
});

test('it is a success when every sensor works and the store does', t => {
  const sensors = one.body.sensors.filter(({ state }) => state === 'armed');
  t.is(encodeHeartbeat(heartbeat({ sensors })).status, 'Success');
  t.is(encodeHeartbeat(heartbeat({ sensors, storeFailure: 'disk full' })).status, 'Impaired');
});

testWith(['ocsf'], 'OCSF\'s own schemas find no fault in it, whatever it holds', async t => {
  t.deepEqual(await faultsOf([one, many, heartbeat({ sensors: [] })].map(each => encodeHeartbeat(each))), [[], [], []]);
  t.deepEqual(await faultsOf([one, many].map(each => JSON.parse(encodeAs('ocsf-1.1', each))), '1.1.0'), [[], []]);
});

test('in CEF and LEEF it is an event of its own, with the sensors in one field', t => {
  const cef = encodeAs('cef', one);
  t.regex(cef, /^CEF:0\|mxwarden\|mxwarden\|0\.1\.0\|heartbeat\|The agent lives[^|]*\|0\|rt=/);
  for (const field of ['cat=Heartbeat', 'outcome=Impaired', 'dvchost=gpu-17', 'cn1=60000', 'cs1=mxnet armed tracefs, network unavailable cs1Label=sensors']) t.true(cef.includes(field), field);
  const [header, ...attributes] = encodeAs('leef', one).split('\t');
  t.is(header, `LEEF:2.0|mxwarden|mxwarden|0.1.0|heartbeat|x09|devTime=${t0}`);
  for (const attribute of ['cat=Heartbeat', 'intervalMs=60000', 'sensors=mxnet armed tracefs, network unavailable']) t.true(attributes.includes(attribute), attribute);
});

test('in ECS it is an event of the host that is no alert', t => {
  t.like(JSON.parse(encodeAs('ecs', one)), { event: { kind: 'event', category: ['host'], action: 'heartbeat', id: 'beat-1' }, mxwarden: { sensors_impaired: 1 } });
});

test('every format keeps to one line and to its bound, whatever the sensors say', t => {
  for (const format of formats) {
    for (const most of [2_048, 8_000, 262_144]) {
      const line = encodeAs(format, many, most);
      t.true(Buffer.byteLength(line) <= most, `${format} ${most}`);
      t.notRegex(line, /[\r\n\u202e\u001b]/, format);
      if (format !== 'cef' && format !== 'leef') JSON.parse(line);
    }
    t.throws(() => encodeAs(format, many, 100), { instanceOf: RangeError });
  }
});

test('as a syslog message it is of severity info and named so', t => {
  t.regex(syslogMessage(one, { facility: 'local0', format: 'cef', maxMessageBytes: 8_096 }, 77), /^<134>1 2026-11-24T02:00:00\.000Z gpu-17 mxwarden 77 heartbeat \[origin [^\]]*\] CEF:0\|/);
});

test('in Kafka it is a CloudEvent of its own type, keyed by the host whatever the key of alerts is', t => {
  for (const key of ['host', 'artifact'] as const) {
    t.like(messageOf(one, { key, format: 'ocsf' }), { key: host.id, headers: { ce_type: 'mxwarden.heartbeat', ce_id: 'beat-1', ce_subject: host.id, ce_time: new Date(t0).toISOString() } });
  }
});

test('each class of records may have a topic of its own, and goes to the common one otherwise', t => {
  const settings = kafka.config.parse({ topic: 'all', topics: { heartbeats: 'beats' } });
  t.deepEqual([topicOf(envelope(), settings), topicOf(one, settings)], ['all', 'beats']);
  t.is(topicOf(envelope(), kafka.config.parse({ topics: { alerts: 'mine' } })), 'mine');
  t.throws(() => kafka.config.parse({ topics: { alerts: 'a b' } }));
  t.throws(() => kafka.config.parse({ topics: { incidents: 'x' } }));
});

test('in OTLP it is an event of its own name', t => {
  const record = encodeLogRecord(one, () => ({ resource: {} as never, instrumentationScope: { name: 'mxwarden' } }));
  t.like(record, { eventName: 'mxwarden.heartbeat', severityNumber: 9, attributes: { 'mxwarden.envelope.id': 'beat-1', 'mxwarden.sensors.impaired': 1 } });
});
