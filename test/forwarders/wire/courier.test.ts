import test from 'ava';
import { RejectedError, RetryableError } from '../../../agent/contract/errors.ts';
import type { Parcel } from '../../../forwarders/wire/courier.ts';
import { courier, pack } from '../../../forwarders/wire/courier.ts';
import { refused } from '../../../forwarders/wire/verdict.ts';
import { envelopes } from '../builders.ts';

const calm = new AbortController().signal;
const parcels = (...ids: string[]): Parcel<string>[] => ids.map(id => ({ id, value: id }));
const names = (sent: readonly Parcel<string>[]): string => sent.map(({ id }) => id).join('');

test('a refused batch is halved until the guilty are alone; the innocent arrive once, in order', async t => {
  const arrived: string[] = [];
  const send = courier<string>(async sent => {
    if (/[cg]/.test(names(sent))) return refused('split', 'too large');
    arrived.push(...sent.map(({ id }) => id));
    return null;
  });
  const error = await t.throwsAsync(send([parcels(...'abcdefgh')], [], calm), { instanceOf: RejectedError });
  t.deepEqual(error.ids, ['c', 'g']);
  t.is(error.message, 'too large (and 1 more)');
  t.is(arrived.join(''), 'abdefh');
});

test('what was taken before a failure is not sent again by the next try', async t => {
  const arrived: string[] = [];
  let down = true;
  const send = courier<string>(async sent => {
    if (down && names(sent).includes('b')) throw new RetryableError('down');
    arrived.push(names(sent));
    return null;
  });
  await t.throwsAsync(send([parcels('a'), parcels('b', 'c')], [], calm), { instanceOf: RetryableError });
  down = false;
  await send([parcels('a'), parcels('b', 'c')], [], calm);
  t.deepEqual(arrived, ['a', 'bc']);
  await send([parcels('a')], [], calm);
  t.deepEqual(arrived, ['a', 'bc', 'a'], 'a later, new sending of the same is none of its business');
});

test('a final refusal is not tried in parts', async t => {
  let tries = 0;
  const send = courier<string>(async () => { tries += 1; return refused('final', '2 of 4'); });
  const error = await t.throwsAsync(send([parcels(...'abcd')], [], calm), { instanceOf: RejectedError });
  t.deepEqual([tries, error.ids.length], [1, 4]);
});

test('a doubtful record is refused only when others pass: else it is the server that is ill', async t => {
  const failing = (guilty: RegExp) => courier<string>(async sent => (guilty.test(names(sent)) ? refused('doubtful', 'internal') : null));
  t.deepEqual((await t.throwsAsync(failing(/b/)([parcels(...'abc')], [], calm), { instanceOf: RejectedError })).ids, ['b']);
  await t.throwsAsync(failing(/./)([parcels(...'abc')], [], calm), { instanceOf: RetryableError, message: 'internal' });
});

test('an envelope that cannot be encoded is refused by name and holds up nobody', async t => {
  const { parcels: packed, unwanted } = pack(envelopes(3), ({ id }) => { if (id === 'env-1') throw new Error('bug'); return id; });
  const arrived: string[] = [];
  const send = courier<string>(async sent => { arrived.push(...sent.map(({ id }) => id)); return null; });
  const error = await t.throwsAsync(send([packed], unwanted, calm), { instanceOf: RejectedError });
  t.deepEqual([error.ids, arrived], [['env-1'], ['env-0', 'env-2']]);
});

test('an agent that is stopping sends nothing', async t => {
  const send = courier<string>(async () => { t.fail(); return null; });
  await t.throwsAsync(send([parcels('a')], [], AbortSignal.abort()), { instanceOf: RetryableError });
});
