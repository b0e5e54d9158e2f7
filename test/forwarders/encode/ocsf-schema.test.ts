import test from 'ava';
import { encodeOcsf } from '../../../forwarders/encode/ocsf.ts';
import { detectionFinding } from '../../../forwarders/encode/ocsf-schema.ts';
import { envelope } from '../builders.ts';

type Change = (alert: ReturnType<typeof encodeOcsf>) => unknown;
/** Each row is a fault that a receiver would trip over; the schema must see it. */
const faults: Readonly<Record<string, Change>> = {
  'an unknown attribute': alert => ({ ...alert, severity_level: 5 }),
  'an unknown attribute of a nested object': alert => ({ ...alert, device: { ...alert.device, host_name: 'x' } }),
  'a missing required attribute': ({ finding_info, ...alert }) => alert,
  'a type_uid that does not fit its activity': alert => ({ ...alert, type_uid: 200_402 }),
  'a severity that is not its id\'s': alert => ({ ...alert, severity: 'Low' }),
  'a severity beyond the enum': alert => ({ ...alert, severity_id: 7 }),
  'a time that is no whole number': alert => ({ ...alert, time: 1.5 }),
  'evidence that shows nothing': alert => ({ ...alert, evidences: [{ name: 'empty' }] }),
  'an attack without tactic or technique': alert => ({ ...alert, finding_info: { ...alert.finding_info, attacks: [{ version: '1' }] } }),
  'an analytic without name or uid': alert => ({ ...alert, finding_info: { ...alert.finding_info, analytic: { type_id: 1, type: 'Rule' } } }),
  'an endpoint without address or name': alert => ({ ...alert, evidences: [{ name: 'x', dst_endpoint: { port: 1 } }] }),
  'an ip that is none': alert => ({ ...alert, device: { ...alert.device, ip: 'localhost' } }),
  'an observable of another type than its id': alert => ({ ...alert, observables: [{ name: 'x', type_id: 8, type: 'File Path', value: 'y' }] }),
  'another version': alert => ({ ...alert, metadata: { ...alert.metadata, version: '1.7.0' } }),
};

test('the schema takes what the encoder makes', t => { t.notThrows(() => detectionFinding.parse(encodeOcsf(envelope()))); });
for (const [fault, change] of Object.entries(faults)) {
  test(`the schema refuses ${fault}`, t => { t.false(detectionFinding.safeParse(change(encodeOcsf(envelope()))).success); });
}
