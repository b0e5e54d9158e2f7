import test from 'ava';
import fc from 'fast-check';
import { decodeRecord, decodeRecords, withoutYielding } from '../../../../collectors/kernel/bpf/decode.ts';
import { headBytes, layoutHeader, offsetsOf, type RecordName, records } from '../../../../collectors/kernel/bpf/table.ts';
import { recordBytes } from './bytes.ts';

const all = Object.keys(records) as RecordName[];

test('each field of each record is read from where the table puts it', t => {
  for (const name of all) {
    const fields = Object.entries(records[name].fields).filter(([, width]) => width !== 'bytes16');
    const values = Object.fromEntries(fields.map(([field, width], index) => [field, width.endsWith('64') ? BigInt(index) + 2n ** 40n : index + 7]));
    const record = decodeRecord(recordBytes(name, { ...values, tgid: 41, tid: 42, root: 43, parent: 44, at: 45, start: 20_000_000n, rootStart: 30_000_000n, parentStart: 49_999_999n }));
    t.like(record, { type: name, tid: 42, at: 45, process: { pid: 41, startTicks: 2 }, root: { pid: 43, startTicks: 3 }, parent: { pid: 44, startTicks: 4 }, ...values });
  }
});

test('numbers below zero and addresses are read as such', t => {
  t.like(decodeRecord(recordBytes('returned', { result: -1 })), { result: -1 });
  t.like(decodeRecord(recordBytes('executed', { mtimeNs: -5n, argumentBytes: -14 })), { mtimeNs: -5n, argumentBytes: -14 });
  const bytes = recordBytes('connected');
  bytes.set([10, 0, 0, 7], offsetsOf(records.connected.fields, headBytes).offsets['address']?.at ?? 0);
  const record = decodeRecord(bytes);
  t.true(record.type === 'connected' && record.address.subarray(0, 4).join('.') === '10.0.0.7');
});

test('a record that is cut at any place is refused, whatever its type', t => {
  for (const name of all) {
    const whole = recordBytes(name);
    for (let length = 0; length < offsetsOf(records[name].fields, headBytes).end; length++) t.throws(() => decodeRecord(whole.subarray(0, length)), { instanceOf: RangeError }, `${name} ${length}`);
  }
});

test('where room is scarce, programs and ends are kept in their order, and the rest is counted', t => {
  const kinds = ['entered', 'executed', 'returned', 'connected', 'exited', 'forked', 'credentials'] as const;
  const { kept, dropped } = withoutYielding(Buffer.concat(kinds.map(kind => recordBytes(kind, {}, kind === 'entered' ? 'odd' : ''))));
  t.deepEqual(decodeRecords(kept).records.map(each => each.type), ['executed', 'exited', 'credentials']);
  t.is(dropped, 4);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
    const { kept: rest, dropped: count } = withoutYielding(Buffer.from(bytes));
    return rest.length + count * headBytes <= bytes.length;
  }));
});

test('records in a row are all read; after one without a length the rest is told as lost', t => {
  const [one, two] = [recordBytes('entered', { nameBytes: 3 }, 'ab'), recordBytes('exited', { status: 256 })];
  t.deepEqual(decodeRecords(Buffer.concat([one, two])).records.map(each => each.type), ['entered', 'exited']);
  const nothing = recordBytes('exited');
  nothing.writeUInt16LE(0, 0);
  const cut = decodeRecords(Buffer.concat([one, nothing, two]));
  t.is(cut.records.length, 1);
  t.is(cut.lost, 1);
  const unknown = recordBytes('exited');
  unknown.writeUInt16LE(0xffff, 2);
  t.like(decodeRecords(Buffer.concat([unknown, two])), { lost: 1, records: [{ type: 'exited' }] });
});

test('any bytes make records or a loss, and nothing else', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), fc.constantFrom(...all), fc.nat(700), (noise, name, place) => {
    const bytes = Buffer.concat([recordBytes(name), Buffer.from(noise), recordBytes('forked')]);
    bytes.writeUInt8(noise[0] ?? 255, place % bytes.length);
    const { records: found, lost } = decodeRecords(bytes);
    t.true(found.length <= bytes.length / headBytes && lost <= bytes.length / headBytes + 1);
  }), { numRuns: 2_000 });
});

test('the layout for the compiler has each record once, with its size checked there', t => {
  const text = layoutHeader();
  for (const name of all) {
    t.is(text.split(`struct ${name}_record {`).length, 2);
    t.true(text.includes(`_Static_assert(sizeof(struct ${name}_record) == ${offsetsOf(records[name].fields, headBytes).end}`));
  }
  const ids = all.map(name => records[name].id);
  t.is(new Set(ids).size, ids.length);
});

test('a field that C would move for its alignment is refused', t => {
  t.throws(() => offsetsOf({ small: 'u32', large: 'u64' }, 0), { instanceOf: RangeError });
});
