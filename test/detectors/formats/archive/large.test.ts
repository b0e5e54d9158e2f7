import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../../../detectors/formats/list.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { noise } from '../../../fixtures/hostile/noise.ts';
import { archive, file, link, long, pax } from '../../../fixtures/hostile/tar.ts';

const inspect = (bytes: Uint8Array, name: string) => inspectSource(name, sourceOf(bytes), formatsFor({ customAllow: [] }));

test('hundreds of megabytes of almost nothing are told as such, in bounded memory', async t => {
  t.timeout(120_000);
  await setImmediate();
  const bytes = gzipSync(Buffer.alloc(300 * 2 ** 20, 0x20));
  const before = process.memoryUsage().arrayBuffers;
  const { observations, coverage } = inspect(bytes, 'a.gz');
  t.true(observations.some(({ rule }) => rule === 'gzip.ratio'));
  t.is(coverage.parsed, bytes.length);
  t.true(process.memoryUsage().arrayBuffers - before < 150 * 2 ** 20);
});

test('a large archive is read through a window, its last member included', async t => {
  t.timeout(120_000);
  await setImmediate();
  const whole = archive(file('a.bin', {}, noise(9_000_000)), file('b.bin', {}, noise(9_000_000)), file('optimizer.states', {}, Buffer.from('\x80\x03cos\nsystem\nX\x04\x00\x00\x00true\x85R.', 'latin1')));
  const cut = 11_000_000;
  for (const bytes of [gzipSync(whole, { level: 1 }), Buffer.concat([gzipSync(whole.subarray(0, cut), { level: 1 }), gzipSync(whole.subarray(cut), { level: 1 })])]) {
    const { verdict, observations } = inspect(bytes, 'model.tar.gz');
    t.is(verdict, 'malicious');
    t.true(observations.some(({ rule, where }) => rule === 'pickle.dangerous-global' && where?.member === 'model.tar!/optimizer.states'));
  }
});

test('a hundred thousand members are read, and one that leaves its folder among them is found', async t => {
  t.timeout(120_000);
  await setImmediate();
  const block = Buffer.concat(Array.from({ length: 100_000 }, (_, index) => file(index === 77_777 ? '../a.json' : `folder-${index % 100}/a${index}.json`)));
  const { observations, inventory } = inspect(archive(block), 'a.tar');
  t.like(inventory['archive'], { file: 100_000 });
  t.deepEqual(observations.map(({ rule, where }) => `${rule} ${where?.member}`), ['archive.name-escape ../a.json']);
});

test('names without bound, extended headers without a member and chains of links cost little', async t => {
  t.timeout(120_000);
  await setImmediate();
  const name = 'a/'.repeat(2_000);
  const gnu = { magic: 'ustar  \0' };
  const names = archive(Buffer.concat(Array.from({ length: 9_000 }, (_, index) => Buffer.concat([long('L', `${name}${index}`), file('x', gnu, Buffer.alloc(0))]))));
  t.true(inspect(names, 'a.tar').observations.some(({ rule }) => rule === 'inspect.budget'));
  const headers = archive(Buffer.concat(Array.from({ length: 20_000 }, (_, index) => pax({ [`GNU.sparse.x${index}`]: 'y' }))), file('a.json'));
  t.true(inspect(headers, 'a.tar').observations.some(({ rule }) => rule === 'tar.pax-several'));
  const links = archive(link('l0', 'x/'.repeat(40)), ...Array.from({ length: 5_000 }, (_, index) => link(`l${index + 1}`, `l${index}/l${index}/l${index}/l${index}`)));
  t.is(inspect(links, 'a.tar').verdict, 'suspicious');
});
