import test from 'ava';
import type { Event } from '../../../agent/contract/event.ts';
import { createStream } from '../../../agent/pipeline/stream.ts';

const draft = (at: number) => ({ kind: 'host.sampled', at, load1: 0, cpuRatio: 0, availableBytes: 0 }) as const;

test('events come out once, in order, with ids that sort', async t => {
  const seen: Event[] = [];
  const stream = createStream('run', 10_000, batch => seen.push(...batch));
  for (let at = 0; at < 5_000; at++) stream.emit('host', draft(at));
  stream.flush();
  t.is(seen.length, 5_000);
  t.deepEqual(seen.map(event => event.at), Array.from({ length: 5_000 }, (_, at) => at));
  t.deepEqual(seen.map(event => event.id).toSorted(), seen.map(event => event.id));
});

test('what is handed over without a flush comes too', async t => {
  const seen = await new Promise<readonly Event[]>(resolve => createStream('run', 10, resolve).emit('host', draft(1)));
  t.like(seen[0], { kind: 'host.sampled', collector: 'host', at: 1 });
});

test('beyond the capacity events are dropped, and how many is an event', t => {
  const seen: Event[] = [];
  const stream = createStream('run', 100, batch => seen.push(...batch));
  for (let at = 0; at < 150; at++) stream.emit('host', draft(at));
  stream.flush();
  t.is(stream.dropped, 50);
  t.is(seen.filter(event => event.kind === 'host.sampled').length, 100);
  t.like(seen.find(event => event.kind === 'events.lost'), { where: 'stream', what: 'host.sampled', count: 50 });
});
