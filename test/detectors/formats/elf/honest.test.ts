import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { compile } from '../../../collectors/kernel/tracefs/standin.ts';
import { mxnet } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';
import { mustRun } from '../../../services/run.ts';
import { inspectAmongModels, inspectFile, severe, systemLibraries, wheelLibraries } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'mxwarden-elf-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const source = `
#include <stdlib.h>
static int counter;
int table[400] = {1};
_Thread_local int each = 3;
__attribute__((constructor)) static void begin(void) { counter = 1; }
__attribute__((destructor)) static void end(void) { counter = 0; }
static int plain(int n) { return n; }
static int (*choose(void))(int) { return plain; }
int chosen(int) __attribute__((ifunc("choose")));
int compute(int n) { return (n ? compute(n - 1) : chosen(n)) + each + (int)(long)malloc(1); }
`;

function build(name: string, words: readonly string[], text = source): string {
  const [code, made] = [join(folder, `${name}.c`), join(folder, name)];
  writeFileSync(code, text);
  compile(['-o', made, code, ...words]);
  return made;
}

const kinds: readonly (readonly [name: string, words: readonly string[]])[] = [
  ['plain.so', []], ['optimised.so', ['-O2']], ['debug.so', ['-g']], ['compressed.so', ['-g', '-gz']], ['stripped.so', ['-s']], ['now.so', ['-Wl,-z,now,-z,relro']],
  ['gnu.so', ['-Wl,--hash-style=gnu']], ['sysv.so', ['-Wl,--hash-style=sysv']], ['both.so', ['-Wl,--hash-style=both']], ['joined.so', ['-Wl,-z,noseparate-code']],
  ['named.so', ['-Wl,-soname,libnamed.so.1,-rpath,$ORIGIN/../lib:/usr/lib/x', '-lm']], ['parts.so', ['-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections']], ['aligned.so', ['-Wl,-z,max-page-size=2097152']],
  ['protected.so', ['-fstack-protector-all', '-D_FORTIFY_SOURCE=2', '-O1', '-fcf-protection=none']], ['small.so', ['-Wl,--build-id=none']], ['packed-relocations.so', ['-Wl,-z,pack-relative-relocs']],
];

testWith(['cc'], 'libraries as compilers make them are clean', t => {
  for (const [name, words] of kinds) {
    const seen = inspectFile(build(name, ['-shared', '-fPIC', ...words]));
    t.deepEqual({ name, verdict: seen.verdict, told: severe(seen) }, { name, verdict: 'clean', told: [] });
    t.is(seen.coverage.parsed, seen.coverage.bytes, name);
    t.like(seen.inventory['file'], { type: 'shared', bits: 64, order: 'little' });
  }
});

testWith(['cc'], 'a library without exports that only gcc\'s own start files have given a constructor is clean', t => {
  t.deepEqual(severe(inspectFile(build('empty.so', ['-shared', '-fPIC'], 'static int nothing __attribute__((used));'))), []);
});

testWith(['cc', 'binutils'], 'programs, object files and debugging information are told for what they are', async t => {
  const main = `${source}\nint main(void) { return compute(3); }\n`;
  for (const [name, words] of [['placed', ['-no-pie']], ['pie', ['-pie', '-fPIE']], ['static', ['-static']], ['static-pie', ['-static-pie', '-fPIE']]] as const) {
    t.deepEqual(inspectFile(build(name, words, main)).observations.flatMap(({ rule, severity }) => severity === 'info' ? [] : [rule]), ['elf.executable'], name);
  }
  t.deepEqual(severe(inspectFile(build('object.o', ['-c', '-g', '-ffunction-sections']))).map(told => told.split(':')[0]), ['low elf.object']);
  const debug = join(folder, 'library.debug');
  await mustRun('objcopy', ['--only-keep-debug', build('with-debug.so', ['-shared', '-fPIC', '-g']), debug]);
  const seen = inspectFile(debug);
  t.deepEqual([severe(seen), seen.observations.map(({ rule }) => rule)], [[], ['elf.debug-file']]);
});

testWith(['cc'], 'libraries of the system have nothing above info', async t => {
  const libraries = await systemLibraries();
  t.true(libraries.length >= 5, libraries.join());
  for (const path of libraries) t.deepEqual([path, severe(inspectFile(path))], [path, []]);
});

testWith(['mxnet'], 'the libraries of the wheels, libmxnet.so among them, have nothing above info and little of them is in memory', async t => {
  const { library } = await mxnet();
  const libraries = wheelLibraries(library);
  t.true(libraries.length >= 10, libraries.join());
  for (const path of libraries) {
    const seen = inspectFile(path);
    t.deepEqual([path, seen.verdict, severe(seen)], [path, 'clean', []]);
    t.is(seen.coverage.parsed, statSync(path).size, path);
  }
  const beside = inspectAmongModels(library);
  t.deepEqual([beside.verdict, severe(beside).map(each => each.slice(0, 20))], ['suspicious', ['low kind.native-code']], 'code is a finding wherever models lie, and no more than low');
  const before = process.memoryUsage().arrayBuffers;
  inspectFile(library);
  t.true(process.memoryUsage().arrayBuffers - before < 100 * 2 ** 20);
});

testWith(['mxnet', 'c++'], 'an operator library built from MXNet\'s own header and source is no more than code among models, told as such, and loads', async t => {
  const { library, python } = await mxnet();
  const home = dirname(library);
  const [code, made] = [join(folder, 'operators.cc'), join(folder, 'libops.so')];
  writeFileSync(code, '#include <mxnet/lib_api.h>\nusing namespace mxnet::ext;\nMXReturnValue initialize(int version) { return version >= 10700 ? MX_SUCCESS : MX_FAIL; }\n');
  await mustRun('c++', ['-w', '-shared', '-fPIC', '-std=c++11', `-I${home}/include`, '-o', made, code, join(home, 'src/lib_api.cc')]);
  const seen = inspectAmongModels(made);
  t.deepEqual(severe(seen).map(each => each.slice(0, 20)), ['low kind.native-code']);
  for (const told of ['elf.operator-library', 'kind.native-code']) t.true(seen.observations.some(({ rule }) => rule === told), told);
  t.is((seen.inventory['library'] as { entryPoints: readonly string[] }).entryPoints.length, 30);
  const said = await mustRun(python, ['-c', 'import sys, mxnet as mx\nmx.library.load(sys.argv[1])\nprint("loaded")', made]);
  t.true(said.includes('loaded'), said);
});

interface Told { readonly needed: readonly string[]; readonly soname?: string; readonly constructors: { readonly initArray: number; readonly finiArray: number }; readonly exports: number; readonly imports: number; readonly relocations: number; readonly indirectRelocations: number }

/** The same facts as readelf tells them. */
async function byReadelf(path: string) {
  const [dynamic, symbols, header, relocations] = await Promise.all(['-Wd', '--dyn-syms', '-Wh', '-Wr'].map(word => mustRun('readelf', word === '--dyn-syms' ? ['-W', word, path] : [word, path])));
  const rows = (symbols ?? '').split('\n').map(line => /^ +\d+: [\da-f]+ +\S+ (\S+) +(\S+) +(\S+)[^[]*?(?:\[.*\] +)? +(\S+) (\S+)/.exec(line)).filter(row => row !== null);
  const open = rows.filter(([, , binding]) => binding === 'GLOBAL' || binding === 'WEAK' || binding === 'UNIQUE');
  const bytes = (tag: string) => Number(new RegExp(`\\(${tag}\\) +(\\d+) \\(bytes\\)`).exec(dynamic ?? '')?.[1] ?? 0) / (/ELF64/.test(header ?? '') ? 8 : 4);
  return {
    needed: [...(dynamic ?? '').matchAll(/\(NEEDED\) +Shared library: \[(.*)\]/g)].map(([, name = '']) => name), soname: /\(SONAME\) +Library soname: \[(.*)\]/.exec(dynamic ?? '')?.[1],
    initArray: bytes('INIT_ARRAYSZ'), finiArray: bytes('FINI_ARRAYSZ'), exports: open.filter(([, , , , section]) => section !== 'UND').length, imports: open.filter(([, , , , section]) => section === 'UND').length,
    indirectRelocations: [...(relocations ?? '').matchAll(/^[\da-f]+ +[\da-f]+ R_\w+_IRELATIV/gm)].length,
  };
}

testWith(['mxnet', 'cc', 'binutils'], 'readelf tells the same needs, names, constructors and symbols', async t => {
  const { library } = await mxnet();
  for (const path of [...await systemLibraries(), ...wheelLibraries(library)].filter(name => name !== library)) {
    const told = inspectFile(path).inventory['library'] as unknown as Told;
    const { needed, soname, initArray, finiArray, exports, imports, indirectRelocations } = await byReadelf(path);
    t.deepEqual(
      { path, needed: told.needed, soname: told.soname, initArray: told.constructors.initArray, finiArray: told.constructors.finiArray, exports: told.exports, imports: told.imports, indirectRelocations: told.indirectRelocations },
      { path, needed, soname, initArray, finiArray, exports, imports, indirectRelocations });
  }
});
