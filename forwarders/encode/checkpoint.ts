import type { CheckpointEnvelope } from '../../agent/contract/forwarder.ts';
import { deviceOf } from './device.ts';
import { unmappedSchema } from './ocsf.ts';
import { safeText } from './words.ts';

/**
 * The signed head of the audit trail as an OCSF 1.8 Event Log Activity (1008). OCSF has no activity for it, so it is
 * 99, Other; the checkpoint whole, as a verifier takes it, is `unmapped.mxwarden.checkpoint`.
 */
export function encodeCheckpoint({ id, sequence, host, version, body: { title, origin, size, root, note, at } }: CheckpointEnvelope) {
  return {
    activity_id: 99, activity_name: 'Checkpoint', category_uid: 1, category_name: 'System Activity', class_uid: 1008, class_name: 'Event Log Activity',
    type_uid: 100_899, type_name: 'Event Log Activity: Other', time: Math.trunc(at), timezone_offset: 0, severity_id: 1, severity: 'Informational',
    message: safeText(title, 1_024), log_name: 'audit', log_provider: 'mxwarden', log_type_id: 99, log_type: 'Audit trail',
    metadata: {
      version: '1.8.0', uid: id, product: { name: 'mxwarden', vendor_name: 'mxwarden', version }, profiles: ['host'],
      log_name: 'audit', log_provider: 'mxwarden', sequence, correlation_uid: origin,
    },
    device: deviceOf(host),
    unmapped: { mxwarden: { schema: unmappedSchema, origin, size, root, checkpoint: note } },
  };
}
