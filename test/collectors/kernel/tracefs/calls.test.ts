import test from 'ava';
import fc from 'fast-check';
import { createCalls } from '../../../../collectors/kernel/tracefs/calls.ts';
import type { Entered, Left, Named } from '../../../../collectors/kernel/tracefs/wire.ts';

const calls = () => createCalls(probe => (probe > 9 ? undefined : { probe, library: probe >> 1, name: `F${probe}`, paired: probe !== 9 }));
const named = (at: number, tid: number, probe: number, sp: string, name: string | null = 'x', ip = `f${probe}`): Named => ({ kind: 'named', at, tid, pid: 7, probe, sp, ip, name });
const entered = (at: number, tid: number, probe: number, sp: string, ip = `f${probe}`): Entered => ({ kind: 'entered', at, tid, pid: 7, probe, sp, ip, head: 'x', second: null, third: null, serial: null });
const left = (at: number, tid: number, probe: number, sp: string, result = 0): Left => ({ kind: 'left', at, tid, probe, sp, result });

test('the two records of one entry and its return are one call', t => {
  const each = calls();
  t.deepEqual(each.enter(named(10, 1, 0, 'a')), []);
  t.deepEqual(each.enter(entered(11, 1, 0, 'a')), []);
  const [call, ...more] = each.leave(left(20, 1, 0, 'a', -1));
  t.like(call, { tid: 1, pid: 7, startedAt: 10, endedAt: 20, outcome: 'failed', named: { name: 'x' }, entered: { head: 'x' } });
  t.deepEqual(more, []);
  t.is(each.pending.length, 0);
});

test('threads and recursion are told apart', t => {
  const each = calls();
  for (const [tid, sp] of [[1, 'c'], [1, 'b'], [2, 'c'], [1, 'a']] as const) each.enter(named(tid, tid, 0, sp, `${tid}${sp}`));
  t.deepEqual(each.leave(left(9, 1, 0, 'a')).map(call => call.named?.name), ['1a']);
  t.deepEqual(each.leave(left(9, 2, 0, 'c')).map(call => call.named?.name), ['2c']);
  t.deepEqual(each.leave(left(9, 1, 0, 'b')).map(call => call.named?.name), ['1b']);
  t.deepEqual(each.leave(left(9, 1, 0, 'c')).map(call => call.named?.name), ['1c']);
});

test('frames left by longjmp end as failed when the call below returns, or when their place is used again', t => {
  const each = calls();
  each.enter(named(1, 1, 0, 'c'));
  each.enter(named(2, 1, 1, 'b'));
  t.deepEqual(each.leave(left(5, 1, 0, 'c')).map(call => [call.site.name, call.outcome]), [['F1', 'failed'], ['F0', 'ok']]);
  each.enter(named(6, 1, 0, 'c'));
  t.deepEqual(each.enter(named(7, 1, 0, 'c')).map(call => [call.startedAt, call.outcome]), [[6, 'failed']]);
});

test('a return without an entry is a call of which nothing is known', t => {
  t.like(calls().leave(left(5, 1, 0, 'a'))[0], { startedAt: 5, endedAt: 5, named: null, entered: null, outcome: 'ok' });
});

test('two libraries that are one to the kernel make one call', t => {
  const each = calls();
  for (const probe of [0, 2]) { each.enter(named(1, 1, probe, 'a', 'x', 'same')); each.enter(entered(1, 1, probe, 'a', 'same')); }
  t.is(each.leave(left(5, 1, 2, 'a')).length, 1);
  t.is(each.leave(left(5, 1, 0, 'a')).length, 0);
  t.is(each.pending.length, 0);
  each.enter(named(6, 1, 0, 'a'));
  t.is(each.leave(left(7, 1, 0, 'a')).length, 1);
});

test('a crash has the signal of its own thread; SIGKILL counts by what the process died of', t => {
  const signalOf = (signal: number, status: Parameters<ReturnType<typeof calls>['ended']>[2]): string | null | undefined => {
    const each = calls();
    each.enter(named(1, 1, 0, 'a'));
    if (signal !== 0) each.signalled({ kind: 'signalled', at: 2, tid: 1, signal, code: 0, byDefault: true, status: null });
    const [call] = each.ended(7, 3, status);
    t.is(call?.outcome, 'crashed');
    return call?.signal;
  };
  t.is(signalOf(11, { code: 255 }), 'SIGSEGV');
  t.is(signalOf(9, { signal: 'SIGKILL' }), 'SIGKILL');
  t.is(signalOf(9, { signal: 'SIGTERM' }), 'SIGTERM');
  t.is(signalOf(9, { signal: 'SIGSEGV' }), null);
  t.is(signalOf(9, { code: 0 }), null);
  t.is(signalOf(0, { signal: 'SIGSEGV' }), null);
});

test('a function without a return probe is never pending', t => {
  const each = calls();
  each.enter(entered(1, 1, 9, 'a'));
  t.is(each.pending.length, 0);
});

test('what is too much is refused and counted', t => {
  const each = calls();
  for (let depth = 0; depth < 70; depth++) each.enter(named(depth, 1, 0, depth.toString(16)));
  for (let tid = 2; tid < 9_000; tid++) each.enter(named(tid, tid, 0, 'a'));
  t.is(each.pending.length, 64 + 8_191);
  t.is(each.takeRefused(), 6 + 8_998 - 8_191);
  t.is(each.takeRefused(), 0);
});

test('whatever comes in whatever order, no entry is told twice and none is forgotten', t => {
  const step = fc.record({ kind: fc.constantFrom('named', 'entered', 'left', 'gone', 'ended'), tid: fc.integer({ min: 1, max: 3 }), probe: fc.integer({ min: 0, max: 3 }), sp: fc.constantFrom('a', 'b', 'c') });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), steps => {
    const each = calls();
    const begun = new Set<object>();
    const told: object[] = [];
    for (const [at, { kind, tid, probe, sp }] of steps.entries()) {
      const record = kind === 'named' ? named(at, tid, probe, sp) : entered(at, tid, probe, sp);
      const ended = kind === 'left' ? each.leave(left(at, tid, probe, sp)) : kind === 'gone' ? each.threadEnded(tid, at) : kind === 'ended' ? each.ended(7, at, null) : each.enter(record);
      if (kind === 'named' || kind === 'entered') begun.add(record);
      told.push(...ended.flatMap(call => [call.named, call.entered].filter(one => one !== null)));
    }
    told.push(...each.ended(7, 99, null).flatMap(call => [call.named, call.entered].filter(one => one !== null)));
    return told.length === new Set(told).size && told.length === begun.size && each.pending.length === 0;
  }), { numRuns: 500 });
  t.pass();
});
