import test from 'ava';
import { kindOf } from '../../../detectors/formats/kind.ts';
import { judgeName } from '../../../detectors/formats/naming.ts';
import { natives } from '../../fixtures/hostile/native.ts';

const bytes = (...values: readonly number[]) => Uint8Array.from(values);
const text = (value: string) => new TextEncoder().encode(value);
const container = bytes(0x12, 1, 0, 0, 0, 0, 0, 0, ...new Array(24).fill(0));
const elf = bytes(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1);
const zip = bytes(0x50, 0x4b, 3, 4, ...new Array(30).fill(0));
const pickle = text("cos\nsystem\n(S'id'\ntR.");

const inspect = (name: string, content: Uint8Array) => judgeName(name, kindOf(name, content).format);
const seen = (name: string, content: Uint8Array) => inspect(name, content).map(({ rule, severity }) => `${rule} ${severity}`);

test('files that are what they are called raise nothing', t => {
  for (const [name, content] of [
    ['m-0000.params', container], ['m.nd', container], ['m-symbol.json', text('{\n  "nodes": [')], ['t.states', pickle], ['m.mar', zip],
    ['config.json', text('{"a": 1}')], ['synset.txt', text('n0 cat\nn1 dog\n')], ['service.py', text('import os\n')], ['notes', text('hello')], ['d.rec', bytes(0x0a, 0x23, 0xd7, 0xce)],
  ] as const) t.deepEqual(seen(name, content), [], name);
});

test('native code under the name of a model is critical, whatever else runs there high', t => {
  t.deepEqual(seen('m-0000.params', elf), ['kind.executable-content critical']);
  t.deepEqual(seen('M-SYMBOL.JSON', elf), ['kind.executable-content critical']);
  for (const content of [zip, pickle, text('#!/bin/sh\nid\n'), text('import os\nos.system("id")\n')]) {
    t.deepEqual(seen('m-0000.params', content), ['kind.executable-content high']);
    t.deepEqual(seen('M-SYMBOL.JSON', content), ['kind.executable-content high']);
  }
});

test('a program or script under any other name that promises something is high too', t => {
  t.deepEqual(seen('d.rec', elf), ['kind.executable-content high']);
  t.deepEqual(seen('a.tar.gz', text('#!/bin/sh\n')), ['kind.executable-content high']);
  t.deepEqual(seen('a.tar.gz', zip), ['kind.disagrees-with-name medium']);
});

test('any other disagreement is medium, an empty file low, and the summary names both', t => {
  const [finding] = inspect('m-0000.params', text('not found'));
  t.like(finding, { rule: 'kind.disagrees-with-name', severity: 'medium' });
  t.is(finding?.summary, '"m-0000.params" is named like parameters but is plain text');
  t.deepEqual(seen('m-symbol.json', text('{"a": 1}')), ['kind.disagrees-with-name medium']);
  t.deepEqual(seen('m-0000.params', bytes()), ['kind.disagrees-with-name low']);
});

test('the NumPy archives of MXNet 2 are parameters, other archives are not', t => {
  const npz = bytes(0x50, 0x4b, 3, 4, ...new Array(22).fill(0), 7, 0, 0, 0, ...text('arg.npy'));
  t.deepEqual(seen('m.params', npz), []);
  t.deepEqual(seen('m.nd', npz), ['kind.disagrees-with-name medium']);
});

test('native code under the name of anything else is high, whatever the ending', t => {
  for (const name of ['README.md', 'weights.bin', 'net.h5', 'signature.png', 'net.params.bak', 'net-0000.params ', 'synset.txt', '.hidden', 'net.model']) t.deepEqual(seen(name, elf), ['kind.executable-content high'], name);
});

test('native code among models under an honest name or none is low', t => {
  for (const name of ['libops.so', 'libops.so.1.2', 'tool', 'python3.11', 'a.out']) t.deepEqual(seen(name, elf), ['kind.native-code low'], name);
  for (const { kind, bytes: program } of natives.filter(each => each.kind !== 'java-class')) t.deepEqual(seen('tool', program), ['kind.native-code low'], kind);
  t.deepEqual(seen('tool', text('hello')), []);
});
