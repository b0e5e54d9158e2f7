import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { symbolOffsets } from '../../../collectors/kernel/elf.ts';
import { mxnet } from '../../services/mxnet.ts';
import { testWith } from '../../services/require.ts';
import { compile } from './tracefs/standin.ts';

const folder = mkdtempSync(join(tmpdir(), 'mxwarden-elf-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/* Each function begins with its own eight bytes of no-ops, so that the file itself says where it is. */
const mark = (number: number): string => `0x0f,0x1f,0x84,0x00,0x${(0x10 + number).toString(16)},0x22,0x33,0x44`;
const source = ['MXNDArrayLoad', 'MXLoadLib', 'static_one'].map((name, number) =>
  `__asm__(".globl ${name}\\n.type ${name},@function\\n${name}:\\n.byte ${mark(number)}\\nret\\n.size ${name},.-${name}\\n");`).join('\n');
const names = ['MXNDArrayLoad', 'MXLoadLib', 'MXPredCreate'];

function build(name: string, words: readonly string[], text = source): string {
  const [code, made] = [join(folder, `${name}.c`), join(folder, name)];
  writeFileSync(code, text);
  compile(['-o', made, code, ...words]);
  return made;
}
/** The code is compiled for this machine, and read as that of x86-64. */
const withCompiler = (title: string, body: (t: ExecutionContext) => void) => testWith(['cc'], title, t => { if (process.arch === 'x64') body(t); else t.pass(); });

withCompiler('finds functions by the hash tables of a library and by the symbols of an executable, at their place in the file', t => {
  const start = '\nvoid _start(void) {}\n';
  const made = [
    build('gnu.so', ['-shared', '-nostdlib', '-Wl,--hash-style=gnu', '-s']),
    build('sysv.so', ['-shared', '-nostdlib', '-Wl,--hash-style=sysv', '-s']),
    build('static', ['-static', '-nostdlib', '-no-pie'], source + start),
  ];
  for (const file of made) {
    const found = symbolOffsets(file, names);
    t.deepEqual([...found.keys()].sort(), ['MXLoadLib', 'MXNDArrayLoad'], file);
    const bytes = readFileSync(file);
    for (const [number, name] of ['MXNDArrayLoad', 'MXLoadLib'].entries()) {
      const expected = Buffer.from(mark(number).split(',').map(Number));
      t.deepEqual(bytes.subarray(Number(found.get(name)), Number(found.get(name)) + 8), expected, `${name} in ${file}`);
    }
  }
});

withCompiler('what is no ELF of ours, or a stripped executable, has none', t => {
  t.is(symbolOffsets(build('stripped', ['-static', '-nostdlib', '-no-pie', '-s'], `${source}\nvoid _start(void) {}\n`), names).size, 0);
  t.throws(() => symbolOffsets(join(folder, 'stripped.c'), names), { instanceOf: RangeError });
  t.throws(() => symbolOffsets(folder, names), { instanceOf: RangeError });
});

withCompiler('a damaged file never makes it fail otherwise than by RangeError', t => {
  const good = readFileSync(build('good.so', ['-shared', '-nostdlib', '-Wl,--hash-style=both']));
  const bad = join(folder, 'bad.so');
  const interesting = [0, 1, 0x7f, 0x80, 0xff];
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.constantFrom(...interesting)), { minLength: 1, maxLength: 8 }), fc.nat(good.length), (changes, length) => {
    const bytes = Buffer.from(good);
    for (const [at, value] of changes) bytes[at] = value;
    writeFileSync(bad, bytes.subarray(0, length % 3 === 0 ? length : bytes.length));
    try { symbolOffsets(bad, names); } catch (error) { if (!(error instanceof RangeError)) throw error; }
  }), { numRuns: 400 });
  t.pass();
});

testWith(['mxnet', 'binutils'], 'the functions of the real wheel are where nm says they are', async t => {
  const { library } = await mxnet();
  const found = symbolOffsets(library, ['MXNDArrayLoad', 'MXSymbolCreateFromFile', 'MXLoadLib', 'MXNoSuchFunction']);
  t.is(found.size, 3);
  const listed = execFileSync('nm', ['-D', '--defined-only', library], { encoding: 'latin1', maxBuffer: 64 << 20 });
  for (const [name, offset] of found) t.true(listed.includes(`${offset.toString(16).padStart(16, '0')} T ${name}\n`), name);
});
