import test from 'ava';
import type { CheckpointEnvelope } from '../../../agent/contract/forwarder.ts';
import { encodeCheckpoint } from '../../../forwarders/encode/checkpoint.ts';
import { encodeLogRecord } from '../../../forwarders/encode/otlp.ts';
import { messageOf } from '../../../forwarders/kafka.ts';
import { testWith } from '../../services/require.ts';
import { host, t0 } from '../builders.ts';
import { faultsOf } from '../ocsf-validator.ts';

const origin = `mxwarden/${host.id}/1`;
const note = `${origin}\n12\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— ${origin} AAAAAAAA\n`;
const checkpoint: CheckpointEnvelope = {
  id: 'c-1', sequence: 9, host, version: '0.1.0', type: 'checkpoint',
  body: { title: 'The audit trail of 12 records is signed', origin, size: 12, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', note, at: t0 },
};

test('a checkpoint leaves as an Event Log Activity that has the signed note whole', t => {
  t.like(encodeCheckpoint(checkpoint), { class_uid: 1008, type_uid: 100_899, severity_id: 1, metadata: { uid: 'c-1', sequence: 9 }, unmapped: { mxwarden: { origin, size: 12, checkpoint: note } } });
});

testWith(['ocsf'], 'OCSF\'s own schema of 1.8.0 finds no fault in it', async t => {
  t.deepEqual(await faultsOf([encodeCheckpoint(checkpoint)]), [[]]);
});

test('in Kafka it is a CloudEvent of its own type, keyed by the host whatever the key of alerts is', t => {
  for (const key of ['host', 'artifact'] as const) {
    t.like(messageOf(checkpoint, { key, format: 'cef' }), { key: host.id, headers: { ce_type: 'mxwarden.audit.checkpoint', ce_id: 'c-1', ce_subject: encodeURIComponent(origin), ce_time: new Date(t0).toISOString() } });
  }
});

test('in OTLP it is an event of its own name', t => {
  const record = encodeLogRecord(checkpoint, () => ({ resource: {} as never, instrumentationScope: { name: 'mxwarden' } }));
  t.like(record, { eventName: 'mxwarden.audit.checkpoint', severityNumber: 9, attributes: { 'mxwarden.audit.origin': origin, 'mxwarden.audit.size': 12 } });
});
