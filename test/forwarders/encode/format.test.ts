import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { parse } from 'yaml';
import { encodeAs, formats } from '../../../forwarders/encode/format.ts';
import { installed } from '../../services/cache.ts';
import { parts } from '../../services/parts.ts';
import { testWith } from '../../services/require.ts';
import { envelope, server, told, loaded, ran, reached, finding } from '../builders.ts';
import { faultsOf } from '../ocsf-validator.ts';
import { incidents } from './arbitraries.ts';

const one = envelope();

test('CEF says what happened in fields that ArcSight knows', t => {
  const line = encodeAs('cef', one);
  t.regex(line, /^CEF:0\|mxwarden\|mxwarden\|0\.1\.0\|child\.shell\|python3 \(pid 4121\) loaded [^|]*\|10\|rt=1795485602310 /);
  for (const field of ['externalId=env-1', 'dvchost=gpu-17', 'dvc=10.20.0.17', 'filePath=/srv/m-0000.params', 'fileHash=9f86d0', 'spid=4121', 'dproc=/bin/sh -c id', 'dst=198.51.100.7', 'dpt=4444', 'cs1=i-7f3a cs1Label=incident', 'act=Create']) t.true(line.includes(field), field);
});

test('LEEF says what happened in attributes that QRadar knows', t => {
  const [header, ...attributes] = encodeAs('leef', one).split('\t');
  t.is(header, 'LEEF:2.0|mxwarden|mxwarden|0.1.0|child.shell|x09|devTime=1795485602310');
  for (const attribute of ['sev=10', 'identHostName=gpu-17', 'resource=/srv/m-0000.params', 'dst=198.51.100.7', 'dstPort=4444', 'incident=i-7f3a']) t.true(attributes.includes(attribute), attribute);
});

test('what would end a field or a line in CEF and LEEF does not', t => {
  const title = 'a|b\\c=d\ne\rf\tg';
  const hostile = envelope({ title, loader: server({ executable: { path: '/x=y|z\n', file: null } }) });
  const cef = encodeAs('cef', hostile);
  t.notRegex(cef, /[\r\n]/);
  const header = cef.slice(0, cef.indexOf('rt=')).match(/(?<!\\)(?:\\\\)*\|/g);
  t.is(header?.length, 7, 'seven bars divide, whatever the title holds');
  t.true(cef.includes(String.raw`sproc=/x\=y|z\\x0a`), cef);
  const leef = encodeAs('leef', hostile);
  t.notRegex(leef, /[\r\n]/);
  t.true(leef.split('\t').every((part, index) => index === 0 || /^[a-zA-Z]+=/.test(part)), leef);
});

test('every format keeps to one line and to its bound, whatever the incident holds', t => {
  t.timeout(300_000);
  fc.assert(fc.property(incidents(40), fc.constantFrom(...formats), fc.constantFrom(8_000, 65_536), (body, format, most) => {
    // An incident's id is ours; all else may be as long as an attacker likes.
    const line = encodeAs(format, { ...one, body: { ...body, id: body.id.slice(0, 100) } }, most);
    t.true(Buffer.byteLength(line) <= most);
    t.notRegex(line, /[\r\n]/);
    if (format !== 'cef' && format !== 'leef') JSON.parse(line);
  }), { numRuns: 400, endOnFailure: true });
});

test('ECS puts the program that ran in front and the loader above it', t => {
  const document = JSON.parse(encodeAs('ecs', one));
  t.like(document, {
    '@timestamp': '2026-11-24T02:00:02.310Z', event: { kind: 'alert', action: 'incident-opened', risk_score: 99 }, rule: { id: 'child.shell' },
    process: { pid: 4_177, executable: '/bin/sh', parent: { pid: 4_121 } }, file: { path: '/srv/m-0000.params' }, destination: { ip: '198.51.100.7', port: 4_444 },
  });
  t.is(JSON.parse(encodeAs('ecs', envelope({ story: told(loaded, finding()) }))).process.pid, 4_121);
});

interface EcsField { readonly type: string; readonly normalize: readonly string[]; readonly allowed_values?: readonly { readonly name: string }[]; readonly expected_values?: readonly string[] }
const inContainer = server({ container: { id: 'c0ffee', runtime: 'containerd', podUid: '0e4c4a7a-52a3-4b9e-9f0e-0d4f3b1a2c3d' } });

testWith(['ecs'], 'every ECS field is one that the published schema knows, of its type and its allowed values', t => {
  const fields = parse(readFileSync(join(installed(parts.ecs), 'ecs_flat.yml'), 'utf8')) as Record<string, EcsField>;
  const samples = [one, envelope({ status: 'closed', severity: 'low', story: told({ ...loaded, process: inContainer }, ran, reached, finding({ techniques: ['AML.T0011.000'] })), loader: inContainer }), envelope({ artifact: null, loader: null, story: [] })];
  const kinds: Record<string, (value: unknown) => boolean> = {
    long: Number.isSafeInteger, float: value => typeof value === 'number', date: value => !Number.isNaN(Date.parse(String(value))), ip: value => /^[\da-f.:]+$/.test(String(value)),
  };
  let seen = 0;
  function check(path: string, value: unknown) {
    if (path === 'mxwarden') return;
    const field = fields[path];
    if (!field) {
      t.true(typeof value === 'object' && value !== null && !Array.isArray(value), `${path} is no field of ECS`);
      for (const [key, inner] of Object.entries(value as object)) check(path === '' ? key : `${path}.${key}`, inner);
      return;
    }
    seen += 1;
    t.is(Array.isArray(value), field.normalize.includes('array'), `${path}: ${JSON.stringify(value)}`);
    for (const item of [value].flat()) {
      t.true((kinds[field.type] ?? (text => typeof text === 'string'))(item), `${path} (${field.type}): ${JSON.stringify(item)}`);
      const allowed = field.allowed_values?.map(({ name }) => name) ?? [];
      if (allowed.length > 0) t.true(allowed.includes(String(item)), `${path}: ${String(item)}`);
    }
  }
  for (const sample of samples) check('', JSON.parse(encodeAs('ecs', sample)));
  t.true(seen > 100, `${seen} fields`);
});

testWith(['ocsf'], 'the older OCSF is valid by the published 1.1.0', async t => {
  const alerts = [one, envelope({ status: 'updated' }), envelope({ story: told({ ...loaded, process: inContainer }, ran, reached, finding()), loader: inContainer })].map(each => JSON.parse(encodeAs('ocsf-1.1', each)));
  t.deepEqual(await faultsOf(alerts, '1.1.0'), alerts.map(() => []));
});
