import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { build } from '../../../../collectors/kernel/bpf/build.ts';
import { architectures, digestOf, digestsFile, objects } from '../../../../collectors/kernel/bpf/objects.ts';
import { loadLibbpf } from '../../../../collectors/kernel/bpf/library.ts';
import { facts, refusals } from '../../../../collectors/kernel/bpf/programs.ts';
import { testWith } from '../../../services/require.ts';

const source = join(import.meta.dirname, '../../../../collectors/kernel/bpf');

test('the objects in the tree are what their digests say', t => {
  const said = readFileSync(digestsFile, 'utf8').trim().split('\n').map(line => line.split('  ') as [digest: string, file: string]);
  t.deepEqual(said.map(([, file]) => file), Object.values(architectures).map(each => each.file));
  for (const [digest, file] of said) t.is(digestOf(readFileSync(join(objects, file))), digest);
});

test('only the program for the kernel carries the licence that the kernel asks for', t => {
  const words = readdirSync(source).filter(name => /\.(?:c|h|ts)$/.test(name)).filter(name => readFileSync(join(source, name), 'utf8').includes('Dual BSD/GPL'));
  t.deepEqual(words, ['sensor.bpf.c']);
});

testWith(['clang'], 'built anew from the sources in the tree, the objects are the same to the byte', t => {
  const folder = mkdtempSync(join(tmpdir(), 'mxwarden-objects-'));
  try {
    build(folder);
    for (const file of [...Object.values(architectures).map(each => each.file), 'SHA256SUMS']) {
      t.true(readFileSync(join(folder, file)).equals(readFileSync(join(objects, file))), `${file} differs: node collectors/kernel/bpf/build.ts`);
    }
  } finally { rmSync(folder, { recursive: true }); }
});

testWith(['clang', 'root', 'bpf'], 'what would run at security hooks and functions passes the verifier, also where this kernel lets no program run there', t => {
  const folder = mkdtempSync(join(tmpdir(), 'mxwarden-objects-'));
  try {
    build(folder, ['HOOKS_AS_EVENTS']);
    const names = facts.flatMap(fact => fact.ways.flat()).filter(name => /^(?:lsm|fentry|fexit)_/.test(name));
    t.true(names.length >= 26);
    const { file } = architectures[process.arch === 'arm64' ? 'arm64' : 'x64'];
    t.deepEqual([...refusals(loadLibbpf(), join(folder, file), names)], []);
  } finally { rmSync(folder, { recursive: true }); }
});
