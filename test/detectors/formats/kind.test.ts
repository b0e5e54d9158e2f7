import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import test from 'ava';
import { formats, headBytes, kindOf } from '../../../detectors/formats/kind.ts';

const bytes = (...values: readonly number[]) => Uint8Array.from(values);
const text = (value: string) => new TextEncoder().encode(value);
const latin = (value: string) => Uint8Array.from(value, letter => letter.charCodeAt(0));
const of = (content: Uint8Array, name = 'file') => kindOf(name, content).format;

test('signatures decide', t => {
  t.is(of(bytes()), 'empty');
  t.is(of(bytes(0x12, 1, 0, 0, 0, 0, 0, 0)), 'ndarray-container');
  t.is(of(bytes(0x7f, 0x45, 0x4c, 0x46)), 'elf');
  t.is(of(text('#!/usr/bin/env python3\n')), 'script');
  t.is(of(bytes(0x50, 0x4b, 5, 6, 0, 0)), 'zip');
  t.is(of(gzipSync('x')), 'gzip');
  t.is(of(latin('\x93NUMPY\x01\x00')), 'npy');
  t.is(of(bytes(0x0a, 0x23, 0xd7, 0xce, 0, 0)), 'recordio');
  t.is(of(bytes(0xcf, 0xfa, 0xed, 0xfe)), 'mach-o');
  t.is(of(bytes(0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2)), 'mach-o');
  t.is(of(bytes(0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61)), 'java-class');
});

test('nearly a signature is none', t => {
  t.is(of(bytes(0x12, 1, 0, 0, 0, 0, 0)), 'unknown');
  t.is(of(bytes(0x12, 1, 0, 0, 0, 0, 0, 1)), 'unknown');
  t.is(of(text('PK is short for')), 'text');
  t.is(of(text('# !/bin/sh')), 'text');
  t.is(of(text(`MZ ${'is a name '.repeat(20)}`)), 'text');
});

test('a Windows program is known by its second header', t => {
  const pe = new Uint8Array(256);
  pe.set(text('MZ'));
  pe[60] = 128;
  pe.set(latin('PE\0\0'), 128);
  t.is(of(pe), 'pe');
  pe[128] = 0;
  t.not(of(pe), 'pe');
});

test('zeros are an empty tar archive by their name alone', t => {
  t.is(of(new Uint8Array(1_024), 'a.tar'), 'tar');
  for (const [content, name] of [[new Uint8Array(1_024), 'a'], [new Uint8Array(512), 'a.tar'], [new Uint8Array(1_024).with(600, 1), 'a.tar']] as const) t.is(of(content, name), 'unknown');
});

test('a tar archive is known by its sum, with or without a signature', t => {
  const header = new Uint8Array(512);
  header.set(text('model-0000.params'));
  header.set(text('0000644\0'), 100);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(latin(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  t.is(of(header), 'tar');
  header[0] = 0x6e;
  t.not(of(header), 'tar');
});

test('a symbol is JSON with nodes, also behind a mark or blanks', t => {
  t.is(of(text('{"nodes": []}')), 'symbol-json');
  t.is(of(text('\ufeff\n  {\n "nodes" : [')), 'symbol-json');
  t.is(of(text('{"node": []}')), 'json');
  t.is(of(text('[1, 2]')), 'json');
  t.is(of(text('12'), 'a.json'), 'json');
});

test('Python source is known by its statements or its name', t => {
  t.is(of(text('"""Doc."""\nfrom os import path\n')), 'python-source');
  t.is(of(text('x = 1\n'), 'x.py'), 'python-source');
  t.is(of(text('we import goods from abroad')), 'text');
});

test('pickles of every protocol are known', t => {
  for (const content of [
    '\x80\x02}q\x00.', '\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00}\x94.', '(dp0\n.', '(lp0\nI1\na.', '}q\x00.', "S'abc'\np0\n.", 'I1\n.',
    "cos\nsystem\n(S'id'\ntR.", "(S'id'\nios\nsystem\n.", "N0cos\nsystem\n(S'id'\ntR", '(cposix\nsystem\nX\x02\x00\x00\x00ido.', 'I0x10\n0cos\nsystem\n)R.', "c__builtin__\neval\n(S'1'\ntRgarbage",
  ]) t.is(of(latin(content)), 'pickle', JSON.stringify(content));
});

test('a mark is a floor to the stack, which only POP takes away', t => {
  t.is(of(text('N(0.')), 'pickle');
  t.is(of(text('N(p1\n.')), 'text');
  t.is(of(text('(0.')), 'text');
});

test('a pickle longer than our look is known by what fits', t => {
  t.is(of(latin(`(dp0\nS'a'\np1\nS'${'x'.repeat(5_000)}'\ns.`)), 'pickle');
});

test('texts whose letters happen to be opcodes are texts', t => {
  for (const content of ['Not.', 'cat\ndog\n', 'cat\ndog\nfish\n', 'Notes on loading', 'In the beginning.', '(see below).', 'Version 1.0\nVersion 2.0\n', 'bottle']) t.is(of(text(content)), 'text', content);
});

test('other bytes are unknown', t => {
  t.is(of(bytes(0xff, 0xd8, 0xff, 0xe0)), 'unknown');
  t.is(of(latin('caf\xe9')), 'unknown');
  t.is(of(text('a\0b')), 'unknown');
});

test('a character cut by our look does not make a text unknown', t => {
  t.is(of(text(`${'a'.repeat(headBytes - 1)}é`)), 'text');
});

test('it never throws, is the same each time, and looks at nothing behind the head', t => {
  const opcode = fc.constantFrom(...[...'.(NIFLVSPJGKMUTXB0123alsdetupqgrhjQciobR})]', '\x80', '\x8c', '\x8d', '\x93', '\x95']);
  const soup = fc.array(fc.oneof(opcode, fc.string({ maxLength: 8 }), fc.constant('\n')), { maxLength: 200 }).map(parts => latin(parts.join('').replace(/[^\0-\xff]/g, '?')));
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 5_000 }), soup), fc.string(), (content, name) => {
    const { format } = kindOf(name, content);
    t.true(formats.includes(format));
    const longer = new Uint8Array(headBytes + 10).fill(7);
    longer.set(content.subarray(0, headBytes));
    return content.length < headBytes || kindOf(name, longer).format === format;
  }), { numRuns: 500 });
});

test('deep marks and huge lengths cost nothing', t => {
  t.is(of(new Uint8Array(headBytes).fill(0x28)), 'pickle');
  t.is(of(latin('\x8d\xff\xff\xff\xff\xff\xff\xff\xff')), 'unknown');
});
