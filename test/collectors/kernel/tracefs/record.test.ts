import test from 'ava';
import fc from 'fast-check';
import { parseFormat, parsePageBytes } from '../../../../collectors/kernel/tracefs/format.ts';
import { layoutOf } from '../../../../collectors/kernel/tracefs/instance.ts';
import { addressText, entryStack, readRecord } from '../../../../collectors/kernel/tracefs/record.ts';

const format = `name: sched_process_exec
ID: 365
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;
\tfield:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;
\tfield:__u8 saddr_v6[16];\toffset:16;\tsize:16;\tsigned:0;
\tfield:const void * skaddr;\toffset:32;\tsize:8;\tsigned:0;

print fmt: "filename=%s", __get_str(filename)
`;

test('a format file tells where the fields are', t => {
  const { id, fields } = parseFormat(format);
  t.is(id, 365);
  t.deepEqual(fields.get('filename'), { offset: 8, size: 4, signed: false, located: true });
  t.deepEqual(fields.get('pid'), { offset: 12, size: 4, signed: true, located: false });
  t.deepEqual(fields.get('saddr_v6'), { offset: 16, size: 16, signed: false, located: false });
  t.like(fields.get('skaddr'), { offset: 32, size: 8 });
});

test('a field that this kernel lacks, or text that is no format, is refused', t => {
  t.throws(() => parseFormat(format, ['old_pid']), { instanceOf: RangeError });
  t.throws(() => parseFormat('nothing'), { instanceOf: RangeError });
  t.is(parsePageBytes('\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n'), 4_096);
  t.throws(() => parsePageBytes(''), { instanceOf: RangeError });
});

const layouts = new Map([[365, layoutOf({ kind: 'executed', fields: ['filename', 'pid'] }, parseFormat(format))]]);
function record(name: string, length = name.length + 1, place = 40): Buffer {
  const bytes = Buffer.alloc(40 + name.length + 1);
  bytes.writeUInt16LE(365, 0);
  bytes.writeInt32LE(-5, 4);
  bytes.writeUInt32LE(((length << 16) | place) >>> 0, 8);
  bytes.writeInt32LE(77, 12);
  bytes.write(name, 40, 'latin1');
  return bytes;
}

test('a record is read by its layout; no text is not the same as empty text', t => {
  const raw = readRecord(layouts, 9, record('/bin/\xff\n'));
  t.like(raw, { kind: 'executed', at: 9, tid: -5 });
  t.is(raw?.text('filename'), '/bin/\xff\n');
  t.is(raw?.number('pid'), 77);
  t.is(readRecord(layouts, 0, record('', 0))?.text('filename'), null);
  t.is(readRecord(layouts, 0, record(''))?.text('filename'), '');
});

test('an event nobody described is none, a value outside its record is refused', t => {
  t.is(readRecord(new Map(), 0, record('x')), null);
  t.throws(() => readRecord(layouts, 0, record('x', 500))?.text('filename'), { instanceOf: RangeError });
});

test('any bytes are read, or refused by RangeError', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
    const data = Buffer.from([0x6d, 0x01, ...bytes]);
    try { readRecord(layouts, 0, data)?.text('filename'); } catch (error) { if (!(error instanceof RangeError)) throw error; }
  }));
  t.pass();
});

test('addresses are written as people write them', t => {
  const v6 = (text: string): Buffer => Buffer.from(text, 'hex');
  t.is(addressText(2, Buffer.from([10, 0, 0, 1]), Buffer.alloc(16)), '10.0.0.1');
  t.is(addressText(10, Buffer.alloc(4), v6('00000000000000000000ffff7f000001')), '127.0.0.1');
  t.is(addressText(10, Buffer.alloc(4), v6('20010db8000000000000000000000001')), '2001:db8::1');
  t.is(addressText(10, Buffer.alloc(4), Buffer.alloc(16)), '::');
});

test('the return address is off the stack at a return on x86_64 only', t => {
  t.is(entryStack(0x7ff8n, 'x64'), '7ff0');
  t.is(entryStack(0x7ff8n, 'arm64'), '7ff8');
});
