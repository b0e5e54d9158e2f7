import test from 'ava';
import { ndarrayContainer } from '../../../../detectors/formats/ndarray/container.ts';
import { pickle } from '../../../../detectors/formats/pickle/pickle.ts';
import { inspectSource, usualLimits } from '../../../../detectors/formats/dispatch.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { statesWith } from '../../../fixtures/hostile/pickle.ts';
import { container, dense, hostileContainers, hostileHandles, honestContainers, join, nameTable, shape, text, u32, u64 } from '../../../fixtures/hostile/ndarray.ts';

const inspect = (bytes: Uint8Array) => inspectSource('m-0000.params', sourceOf(bytes), [ndarrayContainer]);

for (const { name, bytes, expect, rule } of hostileContainers) {
  test(`${name}: ${rule}, ${expect}`, t => {
    const { verdict, observations } = inspect(bytes);
    t.true(observations.some(observation => observation.rule === rule), JSON.stringify(observations));
    t.is(verdict, expect);
  });
}

for (const { name, bytes } of honestContainers) {
  test(`${name} is clean`, t => {
    const { verdict, observations, coverage } = inspect(bytes);
    t.deepEqual(observations, []);
    t.is(verdict, 'clean');
    t.is(coverage.parsed, bytes.length);
  });
}

const inspectStates = (record: Uint8Array) => inspectSource('m-0000.states', sourceOf(statesWith(record)), [pickle]);

for (const { name, bytes, expect, rule } of hostileHandles) {
  test(`${name}: ${rule}, ${expect}`, t => {
    const { verdict, observations } = inspectStates(bytes);
    t.is(verdict, expect, JSON.stringify(observations));
    t.truthy(observations.find(observation => observation.rule === rule)?.where?.opcode);
  });
}

test('an honest handle is clean, and its bytes are counted once', t => {
  const { verdict, coverage } = inspectStates(dense());
  t.is(verdict, 'clean');
  t.is(coverage.parsed, statesWith(dense()).length);
});

test('the inventory names arrays with type, shape, digest and statistics', t => {
  const { inventory } = inspect(container([dense(), dense({ layout: 'V2', dtype: 4, data: new Uint8Array(8) })]));
  t.like(inventory, { arrays: 2, bytes: 16, values: 4, constant: 1, dtypes: { float32: 1, int32: 1 }, layouts: { V2: 2 }, tensorsLeftOut: 0 });
  const [first, second] = inventory['tensors'] as readonly Record<string, unknown>[];
  t.like(first, { name: 'arg:w0', dtype: 'float32', shape: [2], bytes: 8, min: 1, max: 2, mean: 1.5, std: 0.5 });
  t.like(second, { name: 'arg:w1', constant: true });
  t.regex(String(first?.['sha256']), /^[0-9a-f]{64}$/);
});

test('a file with thousands of arrays keeps its counts and as many arrays as there is room for', t => {
  const { inventory, verdict } = inspect(container(Array.from({ length: 5_000 }, () => dense())));
  t.is(verdict, 'clean');
  t.is(inventory['arrays'], 5_000);
  const listed = (inventory['tensors'] as readonly unknown[]).length;
  t.true(listed > 100);
  t.is(inventory['tensorsLeftOut'], 5_000 - listed);
  t.true(JSON.stringify(inventory).length < 65_536);
});

test('every cut of an honest file is malformed', t => {
  const bytes = container([dense(), dense({ layout: 'V1' }).subarray(0)].slice(0, 1));
  for (let length = 8; length < bytes.length; length++) t.is(inspect(bytes.subarray(0, length)).verdict, 'malformed', `${length} bytes`);
});

test('hostile names are escaped wherever they are told', t => {
  const told = JSON.stringify(inspect(container([dense()], { names: [text('arg:\x1b[2J\n\u009b')] })));
  t.false(/[\u0000-\u001f\u007f-\u009f]/.test(told.replaceAll('\\n', '')));
  t.true(told.includes('\\\\x1b'));
});

test('a program after the end of a container is found behind padding', t => {
  const tail = join(new Uint8Array(5_000), text('#!/bin/sh\nrm -rf /tmp/x; echo done; exit 0; # padding padding padding\n'));
  const { observations } = inspect(container([dense()], { tail }));
  t.true(observations.some(observation => observation.rule === 'weights.script'), JSON.stringify(observations));
});

test('a large array is read once, through a window of a MiB', t => {
  t.timeout(60_000);
  const bytes = 48 * 2 ** 20 + 12;
  const head = join(u64(0x112, 0, 1), u32(0xf993fac9, 0), shape([bytes / 4]), u32(1, 0), u32(0));
  const file = join(head, nameTable([text('arg:w')]));
  const at = (offset: number): number => (offset < head.length ? file[offset] : offset < head.length + bytes ? offset & 0x3f : file[offset - bytes]) ?? 0;
  let [longest, total] = [0, 0];
  const source = {
    size: file.length + bytes,
    read(offset: number, length: number) {
      const part = Uint8Array.from({ length: Math.max(0, Math.min(length, this.size - offset)) }, (_, index) => at(offset + index));
      longest = Math.max(longest, part.length);
      total += part.length;
      return part;
    },
  };
  const { verdict, coverage } = inspectSource('w', source, [ndarrayContainer]);
  t.is(verdict, 'clean');
  t.is(coverage.parsed, source.size);
  t.true(longest <= 2 ** 20 && total < source.size * 1.02 + 200_000, `${longest} ${total}`);
});

test('what takes longer than it may is not clean', t => {
  const clock = (now => () => { now += 1_000; return now; })(0);
  const { verdict, observations } = inspectSource('m', sourceOf(container(Array.from({ length: 500 }, () => dense()))), [ndarrayContainer], { ...usualLimits, deadlineMs: 1_500 }, { now: clock });
  t.not(verdict, 'clean');
  t.true(observations.some(({ rule }) => rule === 'inspect.budget'));
});
