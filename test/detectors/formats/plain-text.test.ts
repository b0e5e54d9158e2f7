import test from 'ava';
import { inspectSource } from '../../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../../detectors/formats/list.ts';
import { sourceOf } from '../../../detectors/formats/source.ts';

const inspect = (content: string | Uint8Array, name: string) => inspectSource(name, sourceOf(Buffer.from(content as string)), formatsFor({}));

for (const name of ['synset.txt', 'README.md', 'LICENSE', 'd/labels.csv', 'MANIFEST.MF']) {
  test(`text called ${name} is clean`, t => {
    const { verdict, format, observations } = inspect('n01440764 tench, Tinca tinca\nn01443537 größe\n', name);
    t.deepEqual({ verdict, format, observations }, { verdict: 'clean', format: 'text', observations: [] });
  });
}

test('a letter that lies across two windows is read', t => {
  const text = 'ä'.repeat(600_001);
  t.is(inspect(` ${text}`, 'a.txt').verdict, 'clean');
  t.is(inspect(Buffer.from(text).subarray(0, -1), 'a.txt').verdict, 'malformed');
});

test('what is no text any more behind its beginning is told', t => {
  t.is(inspect(Buffer.concat([Buffer.alloc(5_000, 'a'), Buffer.from([0xff])]), 'a.txt').verdict, 'malformed');
  const { verdict, observations } = inspect(`${'a'.repeat(5_000)}\x1b[2J`, 'a.txt');
  t.is(verdict, 'suspicious');
  t.like(observations, [{ rule: 'text.control', where: { offset: 5_000 } }]);
});

test('programs, and what names them, are no plain text', t => {
  for (const [content, name] of [['#!/bin/sh\nid\n', 'a.txt'], ['import os\nos.system("id")\n', 'a.txt'], ['mxnet==1.9.1\n', 'requirements.txt'], ['import os\n', 'a.py'], ['key: value\n', 'a.yaml']] as const) {
    t.not(inspect(content, name).verdict, 'clean', name);
  }
});
