/*
 * Builds the programs: `node collectors/kernel/bpf/build.ts`. With the compiler and the headers named here the result is
 * the same to the byte, wherever and whenever it is built: no path and no time goes into it.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { architectures, digestOf, digestsFile, objects } from './objects.ts';
import { layoutHeader } from './table.ts';

/** Of Debian 12; bpf_helpers.h and bpf_core_read.h come from libbpf-dev 1.1. */
export const compiler = { clang: 'clang-14', strip: 'llvm-strip-14', version: '14.0.6', packages: 'clang-14 llvm-14 libbpf-dev' } as const;
const sources = ['sensor.bpf.c', 'kernel.h', 'calls.h', 'sockets.h', 'hooks.h'];

/** Writes both objects and their digests into `folder`; `macros` are defined beside what is needed. Throws what the compiler says. */
export function build(folder: string, macros: readonly string[] = []): void {
  const source = mkdtempSync(join(tmpdir(), 'mxwarden-bpf-'));
  try {
    for (const file of sources) copyFileSync(join(import.meta.dirname, file), join(source, file));
    writeFileSync(join(source, 'records.h'), layoutHeader());
    mkdirSync(folder, { recursive: true });
    const sums = Object.values(architectures).map(({ file, define }) => {
      const flags = ['-g', '-O2', '-mcpu=v3', '-target', 'bpf', `-D${define}`, ...macros.map(name => `-D${name}`), '-Wall', '-Werror', '-Wno-unused-function', '-nostdinc', '-idirafter', '/usr/include'];
      // The names are relative and the working folder is hidden: both would be found in the object otherwise.
      run(compiler.clang, [...flags, `-ffile-prefix-map=${source}=.`, '-fdebug-compilation-dir=.', '-c', 'sensor.bpf.c', '-o', file], source);
      run(compiler.strip, ['-g', file], source);
      copyFileSync(join(source, file), join(folder, file));
      return `${digestOf(readFileSync(join(folder, file)))}  ${file}\n`;
    });
    writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
  } finally { rmSync(source, { recursive: true }); }
}

function run(program: string, words: readonly string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(program, words, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
}

if (import.meta.main) {
  build(objects);
  process.stdout.write(readFileSync(digestsFile, 'utf8'));
}
