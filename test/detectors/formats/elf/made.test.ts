import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { compile } from '../../../collectors/kernel/tracefs/standin.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';
import { inspectFile } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'mxwarden-elf-made-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const touch = 'static void act(void) { const char *path = getenv("MXWARDEN_CANARY"); if (path) close(creat(path, 0600)); }';
const head = `#include <stdlib.h>\n#include <fcntl.h>\n#include <unistd.h>\n${touch}\n`;
const begins = `${head}__attribute__((constructor)) static void begin(void) { act(); }\n`;

/** Real compilers and linkers make each of these; `runs`: dlopen carries out the code in it, whatever MXNet then says. */
const made: readonly { readonly name: string; readonly source: string; readonly words?: readonly string[]; readonly rules: readonly string[]; readonly runs: boolean }[] = [
  { name: 'a constructor and nothing else', source: begins, rules: ['elf.only-constructors'], runs: true },
  { name: 'a constructor that is exported', source: `${head}__attribute__((constructor)) void begin(void) { act(); }\n`, rules: ['elf.only-constructors'], runs: true },
  { name: 'a first constructor by the linker', source: `${head}void begin(void) { act(); }\n`, words: ['-Wl,-init,begin'], rules: ['elf.only-constructors'], runs: true },
  { name: 'a constructor without the compiler\'s start files', source: begins, words: ['-nostartfiles'], rules: ['elf.only-constructors'], runs: true },
  { name: 'a decoy of an operator library', source: `${begins}int _opRegSize(void) { return 0; }\n`, rules: ['elf.operator-decoy'], runs: true },
  { name: 'a half operator library that starts programs', source: `${begins}int _opVersion(void) { return 11; }\nint go(const char *line) { return system(line); }\n`, rules: ['elf.operator-incomplete', 'elf.import-execution'], runs: true },
  { name: 'an executable stack', source: 'int compute(int n) { return n; }', words: ['-z', 'execstack'], rules: ['elf.executable-stack'], runs: false },
  { name: 'one segment for all', source: 'int compute(int n) { return n; }', words: ['-nostdlib', '-Wl,--omagic'], rules: ['elf.writable-code'], runs: false },
  { name: 'a path anyone may write to', source: 'int compute(int n) { return n; }', words: ['-Wl,-rpath,/tmp/lib'], rules: ['elf.search-path'], runs: false },
  { name: 'an empty part of a path', source: 'int compute(int n) { return n; }', words: ['-Wl,-rpath,/usr/lib:'], rules: ['elf.search-path'], runs: false },
  { name: 'an auditor', source: 'int compute(int n) { return n; }', words: ['-Wl,--audit=libspy.so'], rules: ['elf.audit'], runs: false },
  { name: 'a filter', source: 'int compute(int n) { return n; }', words: ['-Wl,--auxiliary=libother.so'], rules: ['elf.filter'], runs: false },
  { name: 'code that is changed at load', source: 'extern int other; int *place(void) { return &other; }', words: ['-fno-pic', '-mcmodel=large', '-Wl,-z,notext', '-Wl,--unresolved-symbols=ignore-all'], rules: ['elf.text-relocations'], runs: false },
];

for (const { name, source, words = [], rules } of made) {
  testWith(['cc'], `a compiled library is told: ${name}`, t => {
    const seen = inspectFile(build(name, source, words));
    const told = seen.observations.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule);
    for (const rule of rules) t.true(told.includes(rule), `${rule} is not among ${told.join()}`);
    t.not(seen.verdict, 'clean');
  });
}

function build(name: string, source: string, words: readonly string[]): string {
  const [code, library] = [join(folder, `${name.replaceAll(' ', '-')}.c`), join(folder, `${name.replaceAll(' ', '-')}.so`)];
  writeFileSync(code, source);
  compile(['-shared', '-fPIC', '-o', library, code, ...words]);
  return library;
}

const loader = `
import sys, mxnet as mx
try:
    mx.library.load(sys.argv[1])
    print('loaded')
except BaseException as error:
    print('refused')
`;

testWith(['mxnet', 'cc'], 'the code of these runs before MXNet looks at the library, and none of them is clean', async t => {
  const program = join(folder, 'load.py');
  writeFileSync(program, loader);
  for (const { name, source, words = [], runs } of made) {
    if (!runs) continue;
    const library = build(`${name} loaded`, source, words);
    const canary = `${library}.canary`;
    const { stdout } = await runPython({ file: program, args: [library] }, { env: { MXWARDEN_CANARY: canary } });
    t.log(name, stdout.trim(), inspectFile(library).verdict);
    t.true(existsSync(canary), `${name} did not run`);
    t.is(stdout.trim(), 'refused', name);
    t.not(inspectFile(library).verdict, 'clean', name);
  }
});
