import fc from 'fast-check';
import { encodeOcsf } from '../../../forwarders/encode/ocsf.ts';
import { testWith } from '../../services/require.ts';
import { envelope, told, written } from '../builders.ts';
import { faultsOf } from '../ocsf-validator.ts';
import { envelopesOf } from './arbitraries.ts';

testWith(['ocsf'], 'OCSF\'s own schema of 1.8.0 finds no fault in any alert, and finds the faults it should', async t => {
  const valid = [envelope(), envelope({ status: 'updated' }), envelope({ status: 'closed', artifact: null, loader: null, story: [] }), envelope({ story: told(written) }),
    ...fc.sample(envelopesOf(30), 120)].map(encodeOcsf);
  const alert = encodeOcsf(envelope());
  const invalid = [
    { ...alert, severity_id: 7 }, { ...alert, severity_level: 1 }, { ...alert, evidences: [{ name: 'empty' }] }, { ...alert, time: 'now' },
    { ...alert, device: { type_id: 0 } }, { ...alert, finding_info: { title: 'no uid' } }, { ...alert, metadata: { ...alert.metadata, profiles: [] } },
  ];
  const faults = await faultsOf([...valid, ...invalid]);
  t.is(faults.length, valid.length + invalid.length);
  t.deepEqual(faults.slice(0, valid.length).flat(), []);
  t.true(faults.slice(valid.length).every(found => found.length > 0), JSON.stringify(faults.slice(valid.length)));
});
