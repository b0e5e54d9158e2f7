import test from 'ava';
import fc from 'fast-check';
import type { Event } from '../../../agent/contract/event.ts';
import type { Finding } from '../../../agent/contract/finding.ts';
import type { Incident } from '../../../agent/contract/incident.ts';
import { type Correlation, createCorrelation } from '../../../agent/pipeline/correlate.ts';
import {
  artifactInspected, child, everyEvent, eventsLost, fileChanged, finding, identity, modelPath, mxnetCalled, networkConnected, noon, pathArgument,
  process, processExecuted, ref, sensorChanged,
} from '../../builders.ts';

const options = { quietMs: 600_000, attributionMs: 600_000, coalesceMs: 500, maxOpen: 50 };
const changed = fileChanged({ id: 'e1', at: noon });
const inspected = artifactInspected({ id: 'e2', at: noon + 100 });
const symbol = mxnetCalled({ id: 'e3', at: noon + 5_000, api: 'MXSymbolCreateFromFile', argument: pathArgument({ raw: 'model-symbol.json', place: { path: '/srv/models/model-symbol.json' } }) });
const params = mxnetCalled({ id: 'e4', at: noon + 5_010 });
const shell = processExecuted({ id: 'e5', at: noon + 7_000 });
const connection = networkConnected({ id: 'e6', at: noon + 7_100, address: '127.0.0.1', port: 4_444 });

const low = (event: Event, rule: string) => finding({ id: `${event.id}:${rule}`, detector: rule.split('.')[0] ?? '', rule, severity: 'low', at: event.at, because: [event.id] });
const high = (event: Event, rule: string) => ({ ...low(event, rule), severity: 'high' as const });

function play(correlation: Correlation, ...steps: (Event | readonly [Event, ...Finding[]])[]): Incident[] {
  const changes: Incident[] = [];
  for (const step of steps) {
    const [event, ...findings] = Array.isArray(step) ? step as readonly [Event, ...Finding[]] : [step as Event];
    correlation.see(event, findings);
    changes.push(...correlation.take(event.at));
  }
  return changes;
}

const told = (incident: Incident | undefined) => incident?.story.map(chapter => chapter.type === 'event' ? chapter.event.id : chapter.finding.rule);

test('writer, inspection, load and consequences of one model are one incident under one id, in order', t => {
  const correlation = createCorrelation(options);
  const changes = play(correlation, [changed, low(changed, 'change.unexpected-writer')], inspected, symbol, params, [shell, high(shell, 'child.shell')], [connection, low(connection, 'connection.first')]);
  changes.push(...correlation.take(noon + 8_000));
  t.is(new Set(changes.map(change => change.id)).size, 1);
  const last = changes.at(-1);
  t.deepEqual(told(last), ['e1', 'change.unexpected-writer', 'e2', 'e3', 'e4', 'e5', 'child.shell', 'e6', 'connection.first']);
  t.is(last?.artifact?.sha256, inspected.sha256);
  t.is(last?.loader?.pid, 4_121);
  t.deepEqual(changes.map(change => change.revision), changes.map((_, at) => at + 1));
});

test('a suspicion about the model and one about what its process did are graver together than alone', t => {
  const alone = play(createCorrelation(options), changed, params, [shell, high(shell, 'child.shell')]).at(-1);
  t.is(alone?.severity, 'high');
  const together = play(createCorrelation(options), [changed, low(changed, 'change.mode')], params, [{ ...shell, at: shell.at + 1_000 }, high(shell, 'child.shell')]).at(-1);
  t.is(together?.severity, 'critical');
});

test('weak novelties alone stay low however many they are', t => {
  const last = play(createCorrelation(options), [changed, low(changed, 'change.unexpected-writer')], [params, low(params, 'load.replaced')], [connection, low(connection, 'connection.first')]).at(-1);
  t.is(last?.severity, 'low');
});

test('the title says what, by whom, how it had come there and what followed', t => {
  const correlation = createCorrelation(options);
  play(correlation, changed, params, [shell, high(shell, 'child.shell')], connection);
  t.is(correlation.take(noon + 9_000)[0]?.title, 'model-0000.params, written 5.0 s before, was loaded by python3 [4121], which then ran /bin/sh -c id, connected to 127.0.0.1:4444');
});

test('a first alert is told at once, updates are gathered', t => {
  const correlation = createCorrelation(options);
  t.is(play(correlation, params, [shell, high(shell, 'child.shell')]).length, 1);
  const soon = { ...connection, at: shell.at + 100 };
  t.is(play(correlation, [soon, low(soon, 'connection.first')]).length, 0);
  t.is(correlation.take(shell.at + 600).length, 1);
  t.is(correlation.take(shell.at + 5_000).length, 0, 'nothing new, nothing told');
});

test('info findings open nothing', t => {
  t.is(play(createCorrelation(options), [changed, { ...low(changed, 'change.mode'), severity: 'info' }]).length, 0);
});

test('two processes that load the same file have an incident each', t => {
  const other = mxnetCalled({ id: 'e9', at: noon + 6_000, process: process({ pid: 5_000, startTicks: 9 }) });
  const changes = play(createCorrelation(options), changed, [params, high(params, 'crash.in-load')], [other, high(other, 'crash.in-load')]);
  t.is(new Set(changes.map(change => change.id)).size, 2);
});

test('a pid that is used again is another process', t => {
  const correlation = createCorrelation(options);
  const reused = processExecuted({ id: 'e8', at: noon + 8_000, tree: ref({ startTicks: 99_999 }), process: child({ startTicks: 100_001, ancestors: [{ ...ref({ startTicks: 99_999 }), path: '/usr/bin/python3' }] }) });
  const changes = play(correlation, [params, high(params, 'crash.in-load')], [reused, high(reused, 'child.shell')]);
  t.is(new Set(changes.map(change => change.id)).size, 2);
});

test('what happens long after a load is not told as its consequence', t => {
  const late = { ...shell, at: params.at + options.attributionMs + 1_000 };
  const [incident] = play(createCorrelation(options), params, [late, high(late, 'child.shell')]);
  t.is(incident?.artifact, null);
});

test('a digest that comes after the load joins its story', t => {
  const correlation = createCorrelation(options);
  const after = { ...inspected, at: noon + 7_050 };
  const changes = play(correlation, [params, low(params, 'load.not-inspected')], after);
  t.deepEqual(changes.map(change => change.artifact?.sha256 ?? null), [null, inspected.sha256]);
});

test('a change of the file after the load belongs to the next load', t => {
  const correlation = createCorrelation(options);
  const again = fileChanged({ id: 'e7', at: noon + 9_000, file: identity({ inode: '999' }) });
  const changes = play(correlation, [params, high(params, 'crash.in-load')], [again, low(again, 'change.while-loaded')]);
  t.is(new Set(changes.map(change => change.id)).size, 2);
});

test('a loss and a blind sensor are gaps of every open incident', t => {
  const correlation = createCorrelation(options);
  const changes = play(correlation, sensorChanged({ blind: ['UDP'] }), sensorChanged({ id: 's2', sensor: 'watch', state: 'degraded', level: 'unprivileged', blind: ['an NFS root'] }), [params, high(params, 'crash.in-load')], eventsLost({ id: 'e7', at: noon + 6_000, where: 'kernel', what: 'process.executed', count: 12 }));
  const gaps = changes.at(-1)?.gaps.join('\n') ?? '';
  t.regex(gaps, /seen by mxnet \(tracefs\); what these cannot see/);
  t.regex(gaps, /watch is degraded \(unprivileged\): an NFS root/);
  t.regex(gaps, /12 process.executed events were lost in the kernel/);
});

test('an incident is closed after quiet, once', t => {
  const correlation = createCorrelation(options);
  play(correlation, [params, high(params, 'crash.in-load')]);
  const closed = correlation.take(params.at + options.quietMs + 1_000);
  t.deepEqual(closed.map(change => change.status), ['closed']);
  t.is(correlation.take(params.at + options.quietMs + 5_000).length, 0);
});

test('a clock that is set back by more than that closes it too', t => {
  const correlation = createCorrelation(options);
  play(correlation, [params, high(params, 'crash.in-load')]);
  t.deepEqual(correlation.take(params.at - 3_600_000).map(change => change.status), ['closed']);
});

test('what was remembered goes on after a restart', t => {
  const before = createCorrelation(options);
  const [first] = play(before, changed, [params, high(params, 'load.unread-argument')]);
  const rows = JSON.parse(JSON.stringify([...before.takeRows()])) as [string, unknown][];
  const after = createCorrelation(options);
  after.restore(rows);
  const [second] = play(after, [shell, high(shell, 'child.shell')]);
  t.is(second?.id, first?.id);
  t.is(second?.revision, 2);
});

test('what is forgotten for want of room is forgotten on the disk too, and no more than there is room for is remembered', t => {
  const correlation = createCorrelation(options);
  const rows = new Map<string, unknown>();
  const keep = () => { for (const [row, value] of correlation.takeRows()) if (value === null) rows.delete(row); else rows.set(row, value); };
  for (let number = 0; number < 20_010; number++) correlation.see(fileChanged({ id: `f${number}`, place: { path: `/m/${number}.params` } }), []);
  for (let number = 0; number < 5_010; number++) correlation.see({ ...params, id: `p${number}`, process: { ...params.process, pid: 10 + number } }, []);
  keep();
  const kept = (kind: string) => [...rows].filter(([row]) => row.startsWith(kind));
  // One of the files is that of the loads: nothing is known of it that is worth a row.
  t.deepEqual([kept('context:').length, kept('tree:').length], [19_999, 5_000]);
  const after = createCorrelation(options);
  after.restore([...rows, ...kept('tree:').slice(0, 20).map(([row, value]) => [`${row}0`, value] as const)]);
  t.is([...after.takeRows().values()].filter(value => value === null).length, 20);
});

test('more incidents at once than there is room for are counted in one of the host', t => {
  const correlation = createCorrelation(options);
  const flood = Array.from({ length: 80 }, (_, at) => fileChanged({ id: `f${at}`, at: noon + at, place: { path: `/srv/models/m${at}.params` } }));
  for (const event of flood) correlation.see(event, [low(event, 'change.mode')]);
  const changes = correlation.take(noon + 1_000);
  t.true(changes.length <= options.maxOpen + 1);
  t.is(correlation.suppressed, 30);
  t.true(changes.some(change => change.gaps.some(gap => gap.includes('30 findings'))));
});

test('a rule that fires a thousand times is told a few times and counted', t => {
  const correlation = createCorrelation(options);
  for (let at = 0; at < 1_000; at++) {
    const event = processExecuted({ id: `s${at}`, at: params.at + at });
    correlation.see(event, [high(event, 'child.shell')]);
  }
  const [incident] = correlation.take(noon + 9_000);
  t.true((incident?.story.length ?? 0) <= 201);
  t.true(incident?.gaps.some(gap => /are counted, not told/.test(gap)));
});

test('any order of any events makes incidents whose stories are ordered and revisions rise', t => {
  const steps = fc.array(fc.record({ at: fc.integer({ min: 0, max: 2_000_000 }), kind: fc.nat(), found: fc.boolean() }), { maxLength: 120 });
  fc.assert(fc.property(steps, list => {
    const correlation = createCorrelation({ ...options, maxOpen: 3 });
    const revisions = new Map<string, number>();
    list.forEach(({ at, kind, found }, number) => {
      const all = everyEvent();
      const event = { ...all[kind % all.length], id: `e${number}`, at: noon + at } as Event;
      correlation.see(event, found ? [low(event, 'change.mode')] : []);
      for (const incident of correlation.take(event.at)) {
        t.is(incident.revision, (revisions.get(incident.id) ?? 0) + 1);
        revisions.set(incident.id, incident.revision);
        const times = incident.story.map(chapter => chapter.type === 'event' ? chapter.event.at : chapter.finding.at);
        t.deepEqual(times, times.toSorted((a, b) => a - b));
        t.true(incident.story.some(chapter => chapter.type === 'finding'));
      }
    });
  }), { numRuns: 200 });
});

test('the model that a finding names is the incident\'s, even beside another of the same model', t => {
  const correlation = createCorrelation(options);
  const other = fileChanged({ id: 'e8', at: noon, place: { path: '/srv/models/model-symbol.json' } });
  play(correlation, [other, low(other, 'change.mode')], [changed, high(changed, 'kind.executable-content')]);
  t.is(correlation.take(noon + 9_000)[0]?.artifact?.place.path, modelPath);
});

test('what a worker does that was forked after the load belongs to that load', t => {
  const worker = processExecuted({ id: 'e8', at: shell.at, tree: ref({ pid: 6_000, startTicks: 5 }), process: child({ ancestors: [{ ...ref({ pid: 6_000, startTicks: 5 }), path: '/usr/bin/python3' }, { ...ref(), path: '/usr/bin/python3' }] }) });
  const [incident] = play(createCorrelation(options), params, [worker, high(worker, 'child.shell')]);
  t.is(incident?.artifact?.place.path, modelPath);
  t.is(incident?.loader?.pid, 4_121);
});

test('a file of the system that a loader wrote belongs to its load, and no model is named after it', t => {
  const correlation = createCorrelation(options);
  const wrote = fileChanged({ id: 'w', at: noon + 2_000, place: { path: '/etc/cron.d/x' }, change: 'created', by: process(), what: 'system' });
  correlation.see(mxnetCalled({ id: 'l' }), []);
  correlation.see(wrote, [finding({ at: wrote.at, because: ['w', 'l'], severity: 'high', rule: 'persistence.cron' })]);
  const [incident, ...more] = correlation.take(noon + 3_000, true);
  t.deepEqual(more, []);
  t.is(incident?.artifact?.place.path, modelPath);
  t.true(incident?.story.some(chapter => chapter.type === 'event' && chapter.event.id === 'w'));
  correlation.see({ ...wrote, id: 'v', by: process({ pid: 9, startTicks: 9 }), at: noon + 4_000 }, [finding({ at: noon + 4_000, because: ['v'], severity: 'high' })]);
  t.deepEqual(correlation.take(noon + 5_000, true).map(each => each.artifact), [null]);
});
