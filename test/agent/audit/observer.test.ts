import test from 'ava';
import fc from 'fast-check';
import { createDeliveries } from '../../../agent/audit/deliveries.ts';
import { configDigest, ruleSetDigest } from '../../../agent/audit/digests.ts';
import { type AuditRecord, encodeEntry, mostLineBytes, parseEntry } from '../../../agent/audit/entry.ts';
import { createObserver, incidentRecord } from '../../../agent/audit/observer.ts';
import { agentStarted, artifactInspected, everyEvent, fileOpened, identity, incident, mxnetCalled, noon, process } from '../../builders.ts';

const actions = (records: readonly AuditRecord[]): string[] => records.map(({ action }) => action);

test('starts, sensors, verdicts, loads and a replaced state are told; samples and traffic are not', t => {
  const { see, losses } = createObserver();
  t.deepEqual([...new Set(everyEvent().flatMap(event => actions(see(event))))].sort(), ['agent.started', 'artifact.inspected', 'model.loaded', 'sensor.changed', 'state.replaced']);
  t.deepEqual(actions(losses()), ['events.lost']);
  t.deepEqual(losses(), []);
});

test('a verdict is told once for each content, and again when it or the content changes', t => {
  const { see } = createObserver();
  const told = (change: Parameters<typeof artifactInspected>[0] = {}) => see(artifactInspected(change)).length;
  t.deepEqual([told(), told(), told({ verdict: 'malicious' }), told({ file: identity({ mtimeNs: '9' }) }), told({ file: identity({ mtimeNs: '9' }) })], [1, 0, 1, 1, 0]);
});

test('a load is told once for each process, content and outcome', t => {
  const { see } = createObserver();
  const other = { process: process({ pid: 77 }) };
  t.deepEqual([see(mxnetCalled()), see(mxnetCalled()), see(mxnetCalled(other)), see(mxnetCalled({ ...other, outcome: 'crashed' }))].map(told => told.length), [1, 0, 1, 1]);
  t.like(see(fileOpened())[0], { action: 'model.loaded', outcome: 'seen open', detail: { api: 'open' } });
  t.like(see(mxnetCalled({ argument: { type: 'buffer', bytes: null } }))[0], { object: '(memory of unknown bytes)', detail: { identity: null } });
});

test('a start after a crash says since when nobody watched', t => {
  t.like(createObserver().see(agentStarted({ unwatchedSince: noon }))[0], { outcome: 'after a crash', detail: { unwatchedSince: new Date(noon).toISOString() } });
});

test('a change of an incident names its rules, its artifact and its envelope', t => {
  t.like(incidentRecord(incident(), 'i1.1'), { action: 'incident.changed', object: 'i1', outcome: 'open', detail: { revision: 1, severity: 'high', rules: ['child.shell'], sha256: 'a'.repeat(64), envelope: 'i1.1' } });
});

test('a sink that stops and goes on taking alerts is told, and what it refused', t => {
  const deliveries = createDeliveries();
  const see = (state: string, buried = 0, reason: string | null = null) => deliveries.see([{ sink: 'kafka', state, reason, buried }], noon).map(({ action, outcome, detail }) => [action, outcome, detail]);
  t.deepEqual(see('starting'), []);
  t.deepEqual(see('healthy'), []);
  t.deepEqual(see('retrying', 0, 'no\nbroker'), [['delivery.changed', 'retrying', { reason: String.raw`no\x0abroker` }]]);
  t.deepEqual(see('retrying', 0, 'still none'), []);
  t.deepEqual(see('healthy', 3), [['delivery.changed', 'healthy', { reason: null }], ['delivery.refused', 'dead letter', { count: 3, reason: null }]]);
  t.deepEqual(see('healthy', 3), []);
  t.deepEqual(see('healthy', 1), [['delivery.refused', 'dead letter', { count: 1, reason: null }]]);
});

test('the digest of a configuration is that of its meaning', t => {
  t.is(configDigest({ b: 1, a: [undefined, 2] }), configDigest({ a: [null, 2], b: 1, c: undefined }));
  t.not(configDigest({ a: 1 }), configDigest({ a: 2 }));
});

test('the digest of the rules changes with their settings', t => {
  const [one, same, other] = [new Map([['usage', { a: 1 }]]), new Map([['usage', { a: 1 }]]), new Map([['usage', { a: 2 }]])].map(ruleSetDigest);
  t.deepEqual(one, same);
  t.not(one?.sha256, other?.sha256);
  t.true((one?.files ?? 0) > 50);
});

test('any record at all becomes an entry that reads back, within the bound', t => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 50 }), fc.constantFrom('\ud800', '\u0000'.repeat(20_000), '€'.repeat(30_000), '\\"'.repeat(40_000)));
  fc.assert(fc.property(text, text, text, fc.oneof(text, fc.double(), fc.constant(undefined)), fc.double(), (actor, object, outcome, extra, at) => {
    const made = { action: 'events.lost', at, actor, object, outcome, detail: { what: extra, count: null } } as unknown as AuditRecord;
    const line = encodeEntry(made, 5, 'boot');
    const entry = parseEntry(line);
    return line.length <= mostLineBytes && entry.seq === 5 && !line.includes(10);
  }), { numRuns: 300 });
  t.pass();
});

test('what is no entry is refused with a reason', t => {
  const sound = encodeEntry({ action: 'clock.jumped', at: noon, actor: 'agent', object: 'clock', outcome: 'back', detail: { byMs: -5 } }, 0, 'boot').toString();
  t.notThrows(() => parseEntry(Buffer.from(sound)));
  for (const [line, reason] of [[sound.replace('"v":1', '"v":2'), /shape/], [sound.replace('"seq":0,', ''), /missing/], [` ${sound}`, /canonical/], ['[]', /object/], ['{', /no JSON/], [sound.replace('"boot":"boot"', '"boot":5'), /missing/], [sound.replace('-5', '-5.0'), /canonical/]] as const) {
    t.throws(() => parseEntry(Buffer.from(line)), { instanceOf: RangeError, message: reason }, line);
  }
});
