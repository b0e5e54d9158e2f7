import fc from 'fast-check';
import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { roleOf } from '../../../../detectors/formats/pickle/allowed.ts';
import { contentOf } from '../../../../detectors/formats/pickle/content.ts';
import { mapped } from '../../../../detectors/formats/pickle/names.ts';
import { readIndex, readInt, readLong } from '../../../../detectors/formats/pickle/numbers.ts';
import { opcodes } from '../../../../detectors/formats/pickle/opcodes.ts';
import { pickle } from '../../../../detectors/formats/pickle/pickle.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { testWith } from '../../../services/require.ts';
import { runPython } from '../../../services/mxnet.ts';
import { load } from '../confusion.ts';

const latin = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const inspect = (bytes: Uint8Array, name = 'a.states') => inspectSource(name, sourceOf(bytes), [pickle]);

testWith(['mxnet'], 'the opcodes are those of the real pickletools', async t => {
  const { stdout } = await runPython('import pickletools, json; print(json.dumps([[ord(o.code), o.name] for o in pickletools.opcodes]))');
  const real = JSON.parse(stdout) as [number, string][];
  t.is(opcodes.length, 68);
  t.deepEqual(new Map(opcodes.map(({ code, name }) => [code, name])), new Map(real));
});

test('integers are read as the C unpickler reads them', t => {
  t.deepEqual(['00', '01', '10', '-7'].map(text => readInt(text)), [
    { value: 0, odd: false, bool: true }, { value: 1, odd: false, bool: true }, { value: 10, odd: false, bool: false }, { value: -7, odd: false, bool: false }]);
  t.deepEqual(['010', '0x10', '0b11', '1_0', ' 5', '5\0x'].map(text => readInt(text).value), [8, 16, 3, 10, 5, 5]);
  t.true(['010', '0x10', '0b11', '1_0', ' 5', '5\0x', '-0', '+1', '000'].every(text => readInt(text).odd));
  for (const text of ['', 'x', '0x', '1__0', '09', '1.0']) t.throws(() => readInt(text), { instanceOf: RangeError }, text);
  t.deepEqual(readLong('0x10L'), { value: 16, odd: true, bool: false });
  t.deepEqual(readLong('5L'), { value: 5, odd: false, bool: false });
  t.is(readIndex('010').value, 10);
  t.true(Number.isNaN(readInt('99999999999999999999').value));
});

test('names of Python 2 are replaced below protocol 3 only', t => {
  t.deepEqual(mapped({ module: 'commands', name: 'getoutput' }, 2), { module: 'subprocess', name: 'getoutput' });
  t.deepEqual(mapped({ module: '__builtin__', name: 'xrange' }, 0), { module: 'builtins', name: 'range' });
  t.deepEqual(mapped({ module: 'urllib', name: 'urlopen' }, 1), { module: 'urllib.request', name: 'urlopen' });
  t.deepEqual(mapped({ module: 'commands', name: 'getoutput' }, 3), { module: 'commands', name: 'getoutput' });
});

test('only exact pairs are allowed', t => {
  t.is(roleOf({ module: 'mxnet.optimizer.optimizer', name: 'SGD' }), 'optimizer');
  t.is(roleOf({ module: 'mxnet.optimizer', name: 'Adam' }), 'optimizer');
  t.is(roleOf({ module: 'mxnet.optimizer.sgd', name: 'SGD' }), 'optimizer');
  for (const [module, name] of [['mxnet.optimizer.sgd', 'Adam'], ['mxnet.optimizer.optimizer', 'Updater'], ['mxnet.optimizer.optimizer', 'SGD.__init__'], ['mxnet.ndarray.ndarray NDArray', ''], ['', ''], ['constructor', '']] as const) {
    t.is(roleOf({ module, name }), null);
  }
});

const record = '\xc9\xfa\x93\xf9\0\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x80?\0\0\0@';
const escaped = record.replaceAll('\0', '\\u0000');
/** As cPickle of Python 2 writes states: byte strings, memo from 1, bytearray of a Latin-1 text. */
const python2 = latin(`(dp1\nI0\ncmxnet.ndarray.ndarray\nNDArray\np2\n(NtRp3\n(dp4\nS'handle'\np5\nc__builtin__\nbytearray\np6\n(V${escaped}\np7\nS'latin-1'\np8\ntRp9\nsbs.`);

testWith(['mxnet'], 'states that Python 2 wrote are clean, and load', async t => {
  const { verdict, observations, coverage } = inspect(python2);
  t.deepEqual(observations, []);
  t.is(verdict, 'clean');
  t.is(coverage.parsed, python2.length);
  const [answer] = await load([{ name: 'python 2', file: 'a.states', bytes: python2, loader: 'states' }]);
  t.is(answer?.outcome, 'loaded', answer?.detail);
});

test('a finding names the import with its opcode and offset', t => {
  const { observations } = inspect(latin('\x80\x02}cos\nsystem\nX\x02\0\0\0id\x85R0.'));
  const found = observations.find(({ rule }) => rule === 'pickle.dangerous-global');
  t.like(found, { severity: 'critical', where: { offset: 3, opcode: 2 } });
  t.regex(found?.summary ?? '', /"os system", which reaches the operating system/);
  t.regex(observations.find(({ rule }) => rule === 'pickle.call')?.summary ?? '', /REDUCE calls "os\.system" with \("id"\)/);
});

test('the inventory says what a pickle is made of', t => {
  const { inventory } = inspect(python2);
  t.like(inventory, { pickles: 1, protocols: [], globals: { 'builtins bytearray': 1, 'mxnet.ndarray.ndarray NDArray': 1 }, arrays: { count: 1, bytes: 40 } });
});

test('a pickle is known by its content, a state also by its name', t => {
  const fits = (text: string, name: string) => pickle.fits({ name, size: text.length, head: latin(text), tail: latin(text) });
  for (const text of ['\x80\x04}.', '}.', 'cos\nsystem\ngarbage', '(dp0\n.', '\x80\x00}.', '\x8c\x02os\x8c\x06system\x93\xff']) t.true(fits(text, 'x.params'), JSON.stringify(text));
  for (const text of ['cats\nare\nnice\n', 'import os\nos.system("id")\n', '{"nodes": []}', '# read me\n', '\x12\x01\0\0\0\0\0\0']) t.false(fits(text, 'x.params'), JSON.stringify(text));
  t.true(fits('\xff\xfe', 'x.states'));
  t.false(fits('\x7fELF\x02', 'x.states'));
});

test('text that stands for bytes is decoded in pieces, at any offset', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('utf8' as const, 'raw-unicode-escape' as const), fc.nat(700), fc.nat(200_000), fc.nat(9_000), (seed, form, times, offset, length) => {
    const content = Buffer.concat(Array.from({ length: times }, () => seed));
    const encoded = form === 'utf8' ? Buffer.from(content.toString('latin1'))
      : Buffer.from(content.toString('latin1').replace(/[\\\0\n\r\x1a]/g, letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`), 'latin1');
    const source = contentOf({ at: 3, length: encoded.length, size: content.length, form }, sourceOf(Uint8Array.from(Buffer.concat([Buffer.from('abc'), encoded]))));
    t.deepEqual(Buffer.from(source.read(offset, length)), Buffer.from(content.subarray(offset, offset + length)));
    t.deepEqual(Buffer.from(source.read(0, 50)), Buffer.from(content.subarray(0, 50)));
  }), { numRuns: 60 });
});

test('many arrays are clean, and each record is read', t => {
  const one = (index: number) => `M${String.fromCharCode(index & 255, index >> 8)}${index === 0 ? 'cmxnet.ndarray.ndarray\nNDArray\nq\x01' : 'h\x01'}N\x85R}X\x06\0\0\0handle\x96\x28\0\0\0\0\0\0\0${record}sb`;
  const { verdict, inventory, observations } = inspect(latin(`\x80\x05}q\0(${Array.from({ length: 20_000 }, (_, index) => one(index)).join('')}u.`));
  t.deepEqual(observations, []);
  t.is(verdict, 'clean');
  t.like(inventory['arrays'], { count: 20_000, bytes: 800_000 });
});
