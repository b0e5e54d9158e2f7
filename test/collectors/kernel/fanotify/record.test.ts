import test from 'ava';
import fc from 'fast-check';
import { did, parseRecords } from '../../../../collectors/kernel/fanotify/record.ts';
import { handle, named, ofFolder, pidfd, record, target } from '../../../fixtures/hostile/fanotify.ts';

const runs = Number(process.env.MXWARDEN_FUZZ_RUNS ?? 20_000);
const parse = (...records: readonly Buffer[]) => { const all = Buffer.concat(records); return parseRecords(all, all.length); };
const byteText = (bytes: Buffer): string => bytes.toString('latin1');

test('a record says what was done, by whom, to which name in which folder, and to which file', t => {
  const [first, second, ...more] = parse(
    record({ mask: did.modify | did.closeWrite, pid: 77, parts: [named(1, Buffer.from('net.params')), target(2), pidfd(9)] }),
    record({ mask: did.create | did.folder, pid: 78, parts: [pidfd(-1), named(1, Buffer.from('new'))] }),
  );
  t.deepEqual(first, { mask: 0xa, pid: 77, pidfd: 9, folder: byteText(handle(1)), name: 'net.params', target: byteText(handle(2)) });
  t.deepEqual(second, { mask: 0x4000_0100, pid: 78, pidfd: -1, folder: byteText(handle(1)), name: 'new', target: null });
  t.deepEqual(more, []);
});

test('any name of any bytes comes out as it went in, and is never taken for the end of a record', t => {
  t.notThrows(() => fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 255, min: 1 }), name => {
    const [found, last] = parse(record({ mask: did.create, pid: 1, parts: [named(1, Buffer.from(name)), target(2)] }), record({ mask: did.remove, pid: 2, parts: [named(3, Buffer.from('x'))] }));
    return found?.name === Buffer.from(name).toString('latin1') && found.target === byteText(handle(2)) && last?.name === 'x';
  }), { numRuns: Math.min(runs, 2_000) }));
});

test('the folder itself is called a dot, and what a later kernel may add is passed over', t => {
  const [found] = parse(record({ mask: did.attributes | did.folder, pid: 1, parts: [ofFolder(1), { type: 99, body: Buffer.alloc(12) }] }));
  t.like(found, { folder: byteText(handle(1)), name: '.', target: null, pidfd: -1 });
});

test('a queue that overflowed is a record without a file', t => {
  t.like(parse(record({ mask: did.overflow, pid: 0, parts: [pidfd(-1)] }))[0], { mask: did.overflow, folder: null, target: null });
});

test('what is no record is refused and says why', t => {
  const good = { mask: did.create, pid: 1, parts: [named(1, Buffer.from('x'))] };
  const refused = (bytes: Buffer, why: RegExp): void => { t.throws(() => parse(bytes), { instanceOf: RangeError, message: why }); };
  refused(record({ ...good, total: 0 }), /a record of 0 bytes/);
  refused(record({ ...good, total: 4_000 }), /a record of 4000 bytes/);
  refused(record({ ...good, version: 2 }), /version 2/);
  refused(record({ ...good, head: 3_000 }), /a record of/);
  refused(record(good).subarray(0, 20), /20 bytes are no record/);
  refused(record({ ...good, parts: [{ type: 2, body: handle(1, 8, 0xffff_ffff) }] }), /a file handle of 4294967311 bytes/);
  refused(record({ ...good, parts: [{ type: 1, body: Buffer.alloc(5) }] }), /a file handle of Infinity bytes/);
  const short = record(good);
  short.writeUInt16LE(2, 26);
  refused(short, /an information record of 2? ?0? ?bytes|an information record/);
});

test('bytes changed at random are parsed or refused, never anything else', t => {
  const whole = Buffer.concat([
    record({ mask: did.modify, pid: 7, parts: [named(1, Buffer.from('a\nb')), target(2), pidfd(3)] }), record({ mask: did.overflow, pid: 0, parts: [] }),
    record({ mask: did.create, pid: 8, parts: [ofFolder(4), pidfd(-2)] }),
  ]);
  t.notThrows(() => fc.assert(fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), fc.nat(whole.length), (changes, length) => {
    const bytes = Buffer.from(whole);
    for (const [at, value] of changes) bytes[at] = value;
    try { return parseRecords(bytes, length).length <= length / 24; } catch (error) { return error instanceof RangeError; }
  }), { numRuns: runs }));
});
