import test from 'ava';
import fc from 'fast-check';
import type { EventOf } from '../../../agent/contract/event.ts';
import { escapeText } from '../../../agent/contract/text.ts';
import { encodeOcsf, maxAlertBytes } from '../../../forwarders/encode/ocsf.ts';
import { detectionFinding } from '../../../forwarders/encode/ocsf-schema.ts';
import { envelope, finding, firstConnection, inspected, loaded, ran, reached, server, sha256, t0, told, written } from '../builders.ts';
import { envelopesOf } from './arbitraries.ts';

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
/** As a receiver has it: what JSON drops is gone. */
const received = (...change: Parameters<typeof envelope>) => detectionFinding.parse(JSON.parse(JSON.stringify(encodeOcsf(envelope(...change)))));

test('an incident becomes one valid OCSF 1.8 Detection Finding that names file, digest, writer, loader and deeds', t => {
  const alert = received();
  t.like(alert, {
    class_uid: 2004, type_uid: 200_401, activity_name: 'Create', severity_id: 5, severity: 'Critical', status_id: 1, confidence_score: 90, is_alert: true,
    message: 'python3 (pid 4121) loaded /srv/m-0000.params, then ran a shell and connected out',
    time: t0 + 2_310, start_time: written.at, end_time: t0 + 2_300,
    metadata: { version: '1.8.0', uid: 'env-1', sequence: 42, correlation_uid: 'i-7f3a' },
    device: { hostname: 'gpu-17', uid: 'd6b5c0f2e4cf4a1aa0d1e3c1c5f0b6aa', ip: '10.20.0.17' },
    actor: { process: { pid: 4_121, path: '/usr/bin/python3.11', cmd_line: 'python3 serve.py' } },
  });
  t.like(alert.finding_info, { uid: 'i-7f3a', created_time: t0 + 2_100, modified_time: t0 + 2_310, analytic: { uid: 'child.shell', category: 'child' } });
  t.deepEqual(alert.finding_info.related_analytics?.map(({ uid }) => uid), ['network.first-address']);
  t.deepEqual(alert.evidences.map(({ name, uid }) => [name, uid]), [
    ['model artifact', undefined], ['file written', 'e1'], ['inspection', 'e2'], ['model load', 'e3'], ['program run', 'e4'], ['connection', 'e5']]);
  const [artifact, change, , , shell, connection] = alert.evidences;
  t.like(artifact?.file, { path: '/srv/m-0000.params', size: 102_480_012, modified_time: 1_795_480_000_000, owner: { uid: '1001' }, hashes: [{ value: sha256 }] });
  t.is(change?.actor?.process.cmd_line, 'curl -o m-0000.params');
  t.like(shell?.process, { cmd_line: '/bin/sh -c id', parent_process: { pid: 4_121, path: '/usr/bin/python3.11' } });
  t.like(connection, { dst_endpoint: { ip: '198.51.100.7', port: 4_444 }, connection_info: { direction_id: 2, protocol_num: 6 } });
});

test('the first change creates, the next update, the last closes, and none claims that somebody reviewed it', t => {
  const of = (status: 'open' | 'updated' | 'closed') => {
    const { activity_name, type_uid, status: name } = received({ status });
    return [activity_name, type_uid, name];
  };
  t.deepEqual([of('open'), of('updated'), of('closed')], [['Create', 200_401, 'New'], ['Update', 200_402, 'New'], ['Close', 200_403, 'Quiet']]);
});

test('the gravest finding leads, whatever its place in the story', t => {
  const quiet = finding({ id: 'f0', rule: 'load.first-user', severity: 'low', confidence: 1 });
  t.is(received({ story: told(loaded, quiet, firstConnection, ran, finding()) }).finding_info.analytic?.uid, 'child.shell');
  t.is(received({ story: told(loaded) }).finding_info.analytic, undefined);
  t.is(received({ story: told(loaded) }).confidence, 'Unknown');
});

test('techniques carry their names, parents and tactics', t => {
  const { attacks } = received().finding_info;
  t.deepEqual(attacks?.[0], {
    version: 'ATT&CK 17.1', tactic: { uid: 'TA0002', name: 'Execution' },
    technique: { uid: 'T1059', name: 'Command and Scripting Interpreter' }, sub_technique: { uid: 'T1059.004', name: 'Unix Shell' },
  });
});

test('an incident about a file that nobody loaded is valid too, and so is one without a file', t => {
  t.is(received({ loader: null, story: told(written, inspected) }).actor, undefined);
  t.deepEqual(received({ artifact: null, loader: null, story: [] }).evidences, []);
});

test('an address that is no address does not pose as one', t => {
  const [, evidence] = received({ story: told({ ...reached, address: 'vsock:3' }) }).evidences;
  t.deepEqual(evidence?.dst_endpoint, { name: 'vsock:3', port: 4_444 });
});

test('a pod id that is no UUID is kept as a label', t => {
  const inPod = (podUid: string) => received({ story: told({ ...loaded, process: server({ container: { id: 'c0ffee', runtime: 'containerd', podUid } }) }) }).evidences[1]?.container;
  t.is(inPod('0e4c4a7a-52a3-4b9e-9f0e-0d4f3b1a2c3d')?.pod_uuid, '0e4c4a7a-52a3-4b9e-9f0e-0d4f3b1a2c3d');
  t.deepEqual(inPod('static-pod')?.labels, ['pod_uid=static-pod']);
});

const noise = (index: number, change: Partial<EventOf<'process.executed'>> = {}): EventOf<'process.executed'> => ({
  ...ran, id: `n${index}`, at: t0 + index, process: server({ argv: Array.from({ length: 3 }, () => `${index}`.repeat(500)) }), ...change,
});

test('what does not fit goes oldest first, what a finding cites goes last, and the alert says that it was cut', t => {
  const cited = noise(0);
  const story = told(loaded, cited, ...Array.from({ length: 190 }, (_, index) => noise(index + 1)), finding({ because: ['n0'] }));
  const alert = received({ story });
  const kept = new Set(alert.evidences.map(({ uid }) => uid));
  t.true(bytes(alert) <= maxAlertBytes);
  t.true(kept.has('n0') && kept.has('n190') && kept.has('e3') && !kept.has('n1'));
  t.true(alert.metadata.is_truncated);
  t.like(alert.unmapped?.mxwarden, { cut: { evidences: 193 - alert.evidences.length, text_limit: 4_096 } });
  t.true((alert.metadata.untruncated_size ?? 0) > 256);
});

test('where even cited evidence must go, that of lesser findings goes first', t => {
  const [older, newer] = [Array.from({ length: 95 }, (_, index) => noise(index)), Array.from({ length: 95 }, (_, index) => noise(100 + index))];
  const because = (events: readonly { id: string }[]) => events.map(({ id }) => id) as [string, ...string[]];
  const alert = received({ story: told(loaded, ...older, ...newer, finding({ because: because(older) }), finding({ id: 'f9', rule: 'r', severity: 'low', because: because(newer) })) });
  const kept = new Set(alert.evidences.map(({ uid }) => uid));
  t.true(kept.has('n0') && kept.has('n94') && !kept.has('n100') && kept.has('n194'), [...kept].join());
});

test('a story that fits is not marked as cut', t => {
  t.is(received().metadata.is_truncated, undefined);
  t.notRegex(JSON.stringify(received().unmapped), /"cut"/);
});

test('texts as long as the contract allows still make an alert within its bound', t => {
  const long = server({ argv: Array.from({ length: 64 }, () => '\u20ac'.repeat(1_024)), cwd: '\u20ac'.repeat(4_096), executable: { path: '\u20ac'.repeat(4_096), file: null } });
  const story = told(
    ...Array.from({ length: 100 }, (_, index) => ({ ...loaded, id: `l${index}`, process: long })),
    ...Array.from({ length: 100 }, (_, index) => finding({ id: `f${index}`, rule: `r.${index}`, summary: '\u20ac'.repeat(9_000), because: ['l0', ...Array.from({ length: 500 }, () => 'x'.repeat(99))], techniques: [`T${'\u20ac'.repeat(999)}${index}`] })),
  );
  const alert = received({ story, title: '"'.repeat(99_999), gaps: Array.from({ length: 999 }, () => '\\'.repeat(9_999)) });
  t.true(bytes(alert) <= maxAlertBytes, `${bytes(alert)}`);
  t.true(alert.metadata.is_truncated);
});

test('any incident at all becomes a valid alert within the bound, with nothing in it that could act on a terminal', t => {
  fc.assert(fc.property(envelopesOf(30), made => {
    const alert = encodeOcsf(made);
    const text = JSON.stringify(alert);
    detectionFinding.parse(alert);
    detectionFinding.parse(JSON.parse(text));
    return Buffer.byteLength(text) <= maxAlertBytes && JSON.stringify(JSON.parse(text)) === text && escapeText(text) === text;
  }), { numRuns: 150 });
  t.pass();
});

test('long stories of any kind stay within the bound', t => {
  fc.assert(fc.property(envelopesOf(200), made => bytes(encodeOcsf(made)) <= maxAlertBytes), { numRuns: 8 });
  t.pass();
});
