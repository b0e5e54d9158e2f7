import { deflateRawSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { inspectSource, usualLimits } from '../../../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../../../detectors/formats/list.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { document, hostileGzips, member, packedFiles, subfield } from '../../../fixtures/hostile/gzip.ts';
import { archive, file } from '../../../fixtures/hostile/tar.ts';
import { mxnet, runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';
import { run } from '../../../services/run.ts';

const formats = formatsFor({ customAllow: [] });
const inspect = (bytes: Uint8Array, name = 'a.json.gz', limits = usualLimits) => inspectSource(name, sourceOf(bytes), formats, limits);

for (const { name, bytes, expect, rule } of hostileGzips) {
  test(`gzip, ${name} is ${expect} by ${rule}`, t => {
    const { verdict, observations, format } = inspect(bytes);
    t.is(format, 'gzip');
    t.true(observations.some(found => found.rule === rule), JSON.stringify(observations, null, 1));
    t.is(verdict, expect, JSON.stringify(observations, null, 1));
  });
}

const honest: Readonly<Record<string, Uint8Array>> = {
  'no fields': member(document),
  'a name': member(document, { name: 'a.json' }),
  'a sum of the header': member(document, { name: 'a.json', headerSum: 'right' }),
  'a short comment': member(document, { comment: 'by hand' }),
  'a text flag': member(document, { flags: 1 }),
  'the subfield of bgzip': member(document, { extra: subfield('BC', Buffer.from([0, 0])) }),
  'stored blocks': member(document, { packed: deflateRawSync(document, { level: 0 }) }),
};
for (const [name, bytes] of Object.entries(honest)) {
  test(`gzip, ${name}: clean to the last byte`, t => {
    const { verdict, coverage, observations } = inspect(bytes);
    t.deepEqual({ verdict, parsed: coverage.parsed, above: observations.filter(({ severity }) => severity !== 'info') }, { verdict: 'clean', parsed: bytes.length, above: [] });
  });
}

test('the content is named as gunzip would name it', t => {
  const named = (name: string, bytes: Uint8Array) => ((inspect(bytes, name).inventory['members'] as { readonly name: string }[])[0])?.name;
  t.is(named('model.tar.gz', gzipSync(archive(file('a.json')))), 'model.tar');
  t.is(named('model.TGZ', gzipSync(archive(file('a.json')))), 'model.tar');
  t.is(named('a.json.gz', member(document, { name: 'b.json' })), 'a.json');
  t.is(named('download', member(document, { name: 'b.json' })), 'b.json');
  t.is(named('.gz', member(document)), 'content');
});

test('native code under the packed name of parameters is told', t => {
  const { verdict, observations } = inspect(gzipSync(Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(60)])), 'model-0000.params.gz');
  t.is(verdict, 'malicious');
  t.true(observations.some(({ rule }) => rule === 'kind.executable-content'));
});

test('what unpacks beyond the bound is incomplete, never clean', t => {
  const { verdict, observations } = inspect(gzipSync(Buffer.alloc(3_000_000, 0x20)), 'a.json.gz', { ...usualLimits, unpackBytes: 1_000_000 });
  t.true(observations.some(({ rule }) => rule === 'inspect.budget'));
  t.is(verdict, 'suspicious');
});

for (const { name, bytes } of packedFiles) {
  test(`${name} is told, and said not to be unpacked`, t => {
    const { format, verdict, observations, coverage } = inspect(bytes, 'a.bin');
    t.deepEqual({ format, verdict, rules: observations.map(({ rule }) => rule), parsed: coverage.parsed }, { format: name, verdict: 'incomplete', rules: ['archive.not-unpacked'], parsed: 0 });
  });
}

test('a text that begins like a packed file is none', t => {
  for (const text of ['BZh9 is no header', 'LZIP', 'Rar! said the lion', '7z']) t.is(inspect(Buffer.from(text), 'a.bin').format, 'text');
});

const reader = `
import sys, json, base64, gzip, hashlib
for line in sys.stdin:
    try:
        content = gzip.decompress(base64.b64decode(line))
        print(json.dumps(hashlib.sha256(content).hexdigest()))
    except Exception as error:
        print(json.dumps({'error': str(error)[:100]}))
`;

testWith(['mxnet', 'tar'], 'what gzip or Python refuses, warns of, or reads differently is never clean', async t => {
  const cases = hostileGzips.filter(({ bytes }) => bytes.length < 1_000_000);
  const { stdout } = await runPython(reader, { input: cases.map(({ bytes }) => `${Buffer.from(bytes).toString('base64')}\n`).join('') });
  const python = stdout.trim().split('\n').map(line => JSON.parse(line) as unknown);
  t.is(python.length, cases.length);
  const program = 'import base64, hashlib, subprocess, sys\np = subprocess.run(["gzip", "-dc"], input=base64.b64decode(sys.stdin.read()), capture_output=True)\nprint(p.returncode, len(p.stderr), hashlib.sha256(p.stdout).hexdigest())';
  const agreed: string[] = [];
  for (const [index, { name, bytes }] of cases.entries()) {
    const { stdout: said } = await run((await mxnet()).python, ['-c', program], { input: Buffer.from(bytes).toString('base64') });
    const [code, warned, digest] = said.trim().split(' ');
    if (code === '0' && warned === '0' && python[index] === digest) { agreed.push(name); continue; }
    t.not(inspect(bytes).verdict, 'clean', name);
  }
  t.log(`${cases.length - agreed.length} of ${cases.length} are refused or read differently; both agree on: ${agreed.join(', ')}`);
  t.true(agreed.length < cases.length - 10);
});

