import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { elf } from '../../../../detectors/formats/elf/elf.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { carrier, honestElves, hostileElves, stowaway } from '../../../fixtures/hostile/elf.ts';
import { libraryImage } from '../../../fixtures/hostile/elf-image.ts';
import { inspectBytes } from '../../inspect-bytes.ts';

const inspect = (bytes: Uint8Array) => inspectSource('a.so', sourceOf(bytes), [elf]);
const rules = (bytes: Uint8Array) => inspect(bytes).observations.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule);

for (const { name, rule, bytes, expect, near } of hostileElves) {
  test(`${name} is ${expect}`, t => {
    const { verdict, observations, coverage } = inspect(bytes);
    const told = JSON.stringify(observations.map(each => `${each.severity} ${each.rule}: ${each.summary}`));
    t.is(verdict, expect, told);
    t.true(observations.some(each => each.rule === rule && each.severity !== 'info'), told);
    t.true(coverage.parsed <= bytes.length);
    for (const other of near) t.false(rules(other).includes(rule), `${rule} is told of an honest one`);
  });
}

for (const [name, bytes] of honestElves) {
  test(`an honest library is clean to its last byte: ${name}`, t => {
    const { verdict, observations, coverage, format } = inspect(bytes);
    t.is(verdict, 'clean', JSON.stringify(observations));
    t.is(format, 'elf');
    t.is(coverage.parsed, bytes.length);
    t.deepEqual(coverage.skipped, []);
  });
}

test('the inventory has names, needs, constructors and symbols', t => {
  const named = honestElves.find(([name]) => name === 'with all names')?.[1] ?? new Uint8Array();
  const { inventory } = inspect(named);
  t.like(inventory['file'], { type: 'shared', machine: 'x86-64', bits: 64, order: 'little', sections: 9 });
  t.like(inventory['library'], { program: false, soname: 'libx.so.1', needed: ['libc.so.6', 'libm.so.6'], imports: 2, exports: 2, relocations: 2 });
  t.like((inventory['library'] as { constructors: object }).constructors, { init: false, initArray: 2, preinitArray: 0 });
});

test('an operator library is told by its entry points', t => {
  const library = honestElves.find(([name]) => name === 'an operator library')?.[1] ?? new Uint8Array();
  const { observations, inventory } = inspect(library);
  t.deepEqual(observations.map(({ rule, severity }) => `${severity} ${rule}`), ['info elf.constructors', 'info elf.operator-library']);
  t.is((inventory['library'] as { entryPoints: readonly string[] }).entryPoints.length, 30);
});

test('a library under the name of a model file is malicious, whatever is in it', t => {
  const [, bytes] = honestElves[0] ?? [];
  for (const name of ['net-0000.params', 'net-symbol.json', 'net.states']) {
    const { verdict, observations } = inspectBytes(name, bytes ?? new Uint8Array());
    t.deepEqual([verdict, observations.map(({ rule }) => rule)], ['malicious', ['kind.executable-content']], name);
  }
});

test('what is compressed in a part that nobody loads is found', t => {
  t.true(rules(carrier).some(rule => rule.startsWith('weights.')), JSON.stringify(inspect(carrier).observations));
});

test('a program in a segment that nobody loads and no section names is found', t => {
  t.true(rules(stowaway).some(rule => rule.startsWith('weights.')), JSON.stringify(inspect(stowaway).observations));
});

test('the same rule is told ten times, and the rest is counted', t => {
  const { bytes } = libraryImage({ segments: Array.from({ length: 30 }, (_, index) => [1, 7, 0, 0x10000 + 0x1000 * index, 16, 16] as const) });
  const told = inspect(Uint8Array.from(bytes)).observations.filter(({ rule }) => rule === 'elf.writable-code');
  t.is(told.filter(({ severity }) => severity === 'high').length, 10);
  t.deepEqual(told.filter(({ severity }) => severity === 'info').map(({ summary }) => summary), ['20 more of high elf.writable-code in this file']);
});
