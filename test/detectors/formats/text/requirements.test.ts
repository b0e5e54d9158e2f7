import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { requirements } from '../../../../detectors/formats/text/requirements.ts';
import { hostileRequirements } from '../../../fixtures/hostile/requirements.ts';
import { runPython } from '../../../services/mxnet.ts';
import { testWith } from '../../../services/require.ts';

const inspect = (content: string | Uint8Array, name = 'requirements.txt') => inspectSource(name, sourceOf(Buffer.from(content)), [requirements]);
const told = (content: string) => inspect(content).observations.map(({ severity, rule }) => `${severity} ${rule}`).sort();

for (const { name, bytes, rule, severity } of hostileRequirements) {
  test(`${name} is told`, t => {
    const { observations, verdict, coverage } = inspect(bytes);
    t.true(observations.some(each => each.rule === rule && each.severity === severity), JSON.stringify(observations));
    t.not(verdict, 'clean');
    t.is(coverage.parsed, bytes.length);
    for (const { summary, where } of observations) { t.notRegex(summary, /[\0-\x1f\x7f-\x9f\u202a-\u202e]|secretpassword/); t.truthy(where?.line); }
  });
}

const honest: Readonly<Record<string, string>> = {
  'pinned': 'mxnet==1.9.1\nnumpy==1.23.5\n', 'with hashes': `numpy==1.23.5 \\\n    --hash=sha256:${'a'.repeat(64)} \\\n    --hash=sha256:${'b'.repeat(64)}\n`,
  'with comments, blanks and conditions': '# what we need\n\nnumpy >=1.19, <2 ; python_version < "3.12" and sys_platform == "linux"  # old\nrequests[security,socks]~=2.31\n   pillow!=9.0\n',
  'with the usual index': '--index-url https://pypi.org/simple\n-i https://pypi.org/simple/\nsix\n', 'with further ones beside': '-r base.txt\n-c constraints.txt\n--constraint ./more/constraints.txt\n',
  'without a name of its own': '', 'ended without a line end': 'boto3', 'with CR LF': 'numpy\r\nscipy==1.0\r\n', 'with options of resolution': '--prefer-binary\n--only-binary :all:\n--no-index\n',
  'with names near to others': 'mxnet-cu112==1.9.1\nmxnet-cu110\nscipy\nboto\nsix\nnumpydoc\n', 'with arbitrary equality': 'a===1.0-custom\n',
};
for (const [name, content] of Object.entries(honest)) {
  test(`an honest list ${name} is clean`, t => {
    const { verdict, observations, coverage } = inspect(content);
    t.is(verdict, 'clean', JSON.stringify(observations));
    t.is(coverage.parsed, Buffer.byteLength(content));
  });
}

test('missing versions and hashes are neutral, and counted', t => {
  t.deepEqual(told('numpy\nscipy==1.0\n'), ['info requirements.no-hash', 'info requirements.no-pin']);
  t.deepEqual(inspect('numpy\nscipy==1.0\n').inventory['requirements'], { packages: ['numpy', 'scipy==1.0'], unpinned: 1, hashed: 0 });
});

test('names of such lists are known, and others are not', t => {
  const fits = (name: string) => requirements.fits({ name, size: 5, head: Buffer.from('numpy'), tail: Buffer.from('numpy') });
  for (const name of ['requirements.txt', 'requirements-dev.txt', 'constraints.txt', 'dev-requirements.txt', 'requirements.in', 'Requirements.txt']) t.true(fits(name), name);
  for (const name of ['labels.txt', 'requirements.py', 'requirements.json', 'my.txt']) t.false(fits(name), name);
});

interface Answer { readonly refused: string | null; readonly requirements: readonly string[]; readonly options: readonly string[] }

testWith(['mxnet'], 'what pip refuses, or takes from elsewhere, is never clean; what it reads as honest is', async t => {
  const cases = [...hostileRequirements, ...Object.entries(honest).map(([name, content]) => ({ name, bytes: Uint8Array.from(Buffer.from(content)), rule: '', severity: 'info' }))].filter(({ bytes }) => !/(?:^|\n)\s*(?:-r|-c|--constraint)\s/.test(Buffer.from(bytes).toString('latin1')));
  const folder = await mkdtemp(join(tmpdir(), 'mxwarden-requirements-'));
  try {
    const { stdout, stderr } = await runPython({ file: join(import.meta.dirname, 'requirements.py') }, { cwd: folder, timeoutMs: 100_000, env: { TOKEN: 'x', VERSION: '1' }, input: cases.map(({ bytes }) => `${JSON.stringify({ bytes: Buffer.from(bytes).toString('base64') })}\n`).join('') });
    const answers = stdout.trim().split('\n').map(line => JSON.parse(line) as Answer);
    t.is(answers.length, cases.length, stderr.slice(-1_000));
    cases.forEach(({ name, bytes, rule }, index) => {
      const { refused, options } = answers[index] ?? { refused: 'no answer', options: [] };
      const { verdict } = inspect(bytes);
      t.log(refused === null ? 'read' : 'refused', verdict, name);
      if (refused !== null || options.length > 0) t.not(verdict, 'clean', `${name}: ${refused ?? options.join()}`);
      if (rule === '') t.is(refused, null, name);
    });
  } finally { await rm(folder, { recursive: true, force: true }); }
});
