import { deflateRawSync, gzipSync } from 'node:zlib';
import { join, text, u32, u64 } from '../../../fixtures/hostile/ndarray.ts';

const u16 = (...values: readonly number[]): Uint8Array => Uint8Array.from(values.flatMap(value => [value & 0xff, value >> 8]));
const source = text('import os\nfor name in sorted(os.listdir("/")):\n    print("entry", name, os.stat("/" + name).st_size)\n'.repeat(12));

/** System V ABI: an x86-64 shared object with one program header. */
const elf = join(text('\x7fELF\x02\x01\x01'), new Uint8Array(9), u16(3, 62), u32(1), u64(0x40, 64, 0), u32(0), u16(64, 56, 1, 64, 0, 0), u32(1, 5), u64(0, 0, 0, 4_096, 4_096, 4_096), new Uint8Array(200));
/** Microsoft PE/COFF: the new header at 0x80. */
const pe = join(text('MZ\x90\0'), new Uint8Array(56), u32(0x80), new Uint8Array(64), text('PE\0\0'), u16(0x8664, 3), u32(0, 0, 0), u16(0xf0, 0x22), u16(0x20b), new Uint8Array(300));
const packedSource = deflateRawSync(source);
const zip = join(text('PK\x03\x04'), u16(20, 0, 8, 0, 0), u32(0, packedSource.length, source.length), u16(5, 0), text('x.txt'), packedSource);

/** Begins, bytes, and the rule that must fire. */
export const payloads: readonly { readonly name: string; readonly bytes: Uint8Array; readonly rule: string }[] = [
  { name: 'ELF', bytes: elf, rule: 'weights.elf' },
  { name: 'PE', bytes: pe, rule: 'weights.pe' },
  { name: 'zip', bytes: zip, rule: 'weights.zip' },
  { name: 'gzip', bytes: gzipSync(source), rule: 'weights.gzip' },
  { name: 'gzip of an ELF', bytes: gzipSync(elf), rule: 'weights.gzip-elf' },
  { name: 'pickle of protocol 2', bytes: text('\x80\x02cposix\nsystem\nq\x00X\x02\0\0\0idq\x01\x85q\x02Rq\x03.'), rule: 'weights.pickle' },
  { name: 'pickle of protocol 4', bytes: text('\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.'), rule: 'weights.pickle' },
  { name: 'pickle of protocol 0', bytes: text('cos\nsystem\n(S\'id\'\ntR.'), rule: 'weights.pickle' },
  { name: 'pickle with a long string first', bytes: join(text('\x80\x02X'), u32(300), text('x'.repeat(300)), text('0csubprocess\nPopen\n.')), rule: 'weights.pickle' },
  { name: 'shell script', bytes: text('#!/bin/sh\n# a comment, so that there is text after the first line\nid\n'), rule: 'weights.script' },
  { name: 'Python script', bytes: text('#!/usr/bin/env python3\nimport os, sys\nos.system("id")\n# and a little more text\n'), rule: 'weights.script' },
  { name: 'Python source', bytes: source, rule: 'weights.text' },
  { name: 'xz', bytes: join(text('\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46'), new Uint8Array(64)), rule: 'weights.xz' },
  { name: 'bzip2', bytes: join(text('BZh91AY&SY'), new Uint8Array(64)), rule: 'weights.bzip2' },
];

export { elf, source };
