import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { inspectSource } from '../../../detectors/formats/dispatch.ts';
import { pickle } from '../../../detectors/formats/pickle/pickle.ts';
import { recordio } from '../../../detectors/formats/recordio.ts';
import { sourceOf } from '../../../detectors/formats/source.ts';
import { hostileRecords, part } from '../../fixtures/hostile/recordio.ts';
import { runPython } from '../../services/mxnet.ts';
import { testWith } from '../../services/require.ts';

const inspect = (bytes: Uint8Array, name = 'a.rec') => inspectSource(name, sourceOf(bytes), [recordio, pickle]);

for (const { name, bytes, expect } of hostileRecords) {
  test(`${name} is ${expect}`, t => {
    const { verdict, observations } = inspect(bytes);
    t.is(verdict, expect, JSON.stringify(observations));
    t.true(observations.length > 0);
  });
}

test('records, divided ones and an empty one are clean to the last byte', t => {
  const bytes = Buffer.concat([part(0, Buffer.from('one')), part(0, Buffer.alloc(0)), part(1, Buffer.from('abcd')), part(2, Buffer.alloc(8)), part(3, Buffer.from('e'))]);
  const { verdict, coverage, inventory } = inspect(bytes);
  t.is(verdict, 'clean');
  t.is(coverage.parsed, bytes.length);
  t.like(inventory['records'], { records: 3, parts: 5 });
});

test('a file that is called records and has no magic is malformed', t => {
  t.is(inspect(Buffer.from('\x01\x02\x03\x04\x05', 'latin1')).verdict, 'malformed');
});

const writer = `
import sys, os, numpy as np, mxnet as mx
folder = sys.argv[1]
def write(name, records):
    record = mx.recordio.MXRecordIO(os.path.join(folder, name), 'w')
    for content in records:
        record.write(content)
    record.close()
magic = bytes.fromhex('0a23d7ce')
write('plain.rec', [b'a' * n for n in range(1, 70)])
write('magic.rec', [magic, magic * 5, b'abcd' + magic + b'efg', b'x' + magic, magic + b'abc' + magic])
write('image.rec', [mx.recordio.pack(mx.recordio.IRHeader(0, n, n, 0), bytes.fromhex('ffd8ffe000104a464946') + os.urandom(500 + n)) for n in range(5)])
write('labels.rec', [mx.recordio.pack(mx.recordio.IRHeader(0, [1, 2, 3], 7, 0), b'content')])
indexed = mx.recordio.MXIndexedRecordIO(os.path.join(folder, 'i.idx'), os.path.join(folder, 'indexed.rec'), 'w')
for n in range(9):
    indexed.write_idx(n, os.urandom(1000 + n))
indexed.close()
`;

testWith(['mxnet'], 'what MXNet writes as records is clean', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-rec-'));
  try {
    const program = join(folder, 'write.py');
    await writeFile(program, writer);
    const { code, stderr } = await runPython({ file: program, args: [folder] });
    t.is(code, 0, stderr);
    for (const name of ['plain.rec', 'magic.rec', 'image.rec', 'labels.rec', 'indexed.rec']) {
      const { verdict, observations, format } = inspect(await readFile(join(folder, name)), name);
      t.deepEqual({ name, verdict, observations, format }, { name, verdict: 'clean', observations: [], format: 'recordio' });
    }
  } finally { await rm(folder, { recursive: true, force: true }); }
});
