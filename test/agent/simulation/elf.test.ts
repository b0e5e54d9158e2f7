import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { harmlessProgram, plainLibrary, standInLibrary } from '../../../agent/simulation/elf.ts';
import { symbolOffsets } from '../../../collectors/kernel/elf.ts';
import { testWith } from '../../services/require.ts';

function folder(t: ExecutionContext): string {
  const made = mkdtempSync(join(tmpdir(), 'mxwarden-elf-'));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

for (const machine of ['x64', 'arm64'] as const) {
  test(`the functions of the stand-in for ${machine} are found where the sensors look for them, each at its own place`, t => {
    const file = join(folder(t), 'libmxnet.so');
    writeFileSync(file, standInLibrary(machine, 100));
    const found = symbolOffsets(file, ['MXNDArrayLoad', 'MXSymbolCreateFromFile', 'MXLoadLib', 'MXCustomOpRegister', 'MXPredCreate']);
    t.deepEqual([...found.keys()], ['MXNDArrayLoad', 'MXSymbolCreateFromFile', 'MXLoadLib', 'MXCustomOpRegister']);
    t.is(new Set(found.values()).size, 4);
  });
}

test('the library without functions is taken by the loader of this machine, and nothing in it is MXNet\'s', t => {
  const file = join(folder(t), 'plain.so');
  writeFileSync(file, plainLibrary(process.arch === 'arm64' ? 'arm64' : 'x64'));
  const told = spawnSync('cat', ['/proc/self/maps'], { env: { ...process.env, LD_PRELOAD: file }, encoding: 'utf8' });
  t.is(told.stderr, '', 'the loader says so of what it cannot open');
  t.regex(told.stdout, new RegExp(`r-xp .* ${file}$`, 'm'));
  t.is(symbolOffsets(file, ['MXNDArrayLoad', 'MXCustomOpRegister']).size, 0);
});

test('the harmless program runs on this machine, whatever it is told, and only sleeps', async t => {
  const file = join(folder(t), 'rm');
  writeFileSync(file, harmlessProgram(process.arch === 'arm64' ? 'arm64' : 'x64'), { mode: 0o700 });
  const child = spawn(file, ['-rf', file], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await once(child, 'spawn');
  const state = () => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  while (state() !== 'S') await new Promise(resolve => setTimeout(resolve, 10));
  t.is(readFileSync(`/proc/${child.pid}/syscall`, 'latin1').split(' ')[0], process.arch === 'arm64' ? '101' : '35', 'it is in nanosleep');
  child.kill('SIGKILL');
  t.deepEqual(await exited, [null, 'SIGKILL']);
  t.true(readFileSync(file).length < 512);
});

testWith(['clang'], 'the code for aarch64 is what an assembler makes of it', t => {
  const at = folder(t);
  const assemble = (source: string): Buffer => {
    writeFileSync(join(at, 'a.s'), source);
    t.is(spawnSync('clang-14', ['-target', 'aarch64-linux-gnu', '-c', join(at, 'a.s'), '-o', join(at, 'a.o')]).status, 0);
    t.is(spawnSync('llvm-objcopy-14', ['-O', 'binary', '-j', '.text', join(at, 'a.o'), join(at, 'a.bin')]).status, 0);
    return readFileSync(join(at, 'a.bin'));
  };
  const program = assemble('adr x0, .+28\nmov x1, #0\nmov x8, #101\nsvc #0\nmov x0, #0\nmov x8, #93\nsvc #0\n');
  t.true(harmlessProgram('arm64').includes(program));
  const library = standInLibrary('arm64');
  const file = join(at, 'libmxnet.so');
  writeFileSync(file, library);
  const start = Number(symbolOffsets(file, ['MXLoadLib']).get('MXLoadLib'));
  // The number is the last eight bytes; its segment lies one alignment further than in the file.
  const distance = library.length - 8 + 0x1_0000 - start;
  t.deepEqual(library.subarray(start, start + 28), assemble(`adr x9, .+${distance}\nldr w0, [x9]\ncmp w0, #2\nb.eq .+12\nneg w0, w0\nret\nudf #0\n`));
});
