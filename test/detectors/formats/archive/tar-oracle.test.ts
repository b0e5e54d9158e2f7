import { inspectSource } from '../../../../detectors/formats/dispatch.ts';
import { formatsFor } from '../../../../detectors/formats/list.ts';
import { sourceOf } from '../../../../detectors/formats/source.ts';
import { archive, extended, file, hostileTars, link, long, pax, record } from '../../../fixtures/hostile/tar.ts';
import { testWith } from '../../../services/require.ts';
import { danger, readTars } from './tar-oracle.ts';

const verdictOf = (bytes: Uint8Array) => inspectSource('a.tar', sourceOf(bytes), formatsFor({ customAllow: [] })).verdict;

/** The same on every run. */
function createRandom(seed: number) {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

testWith(['mxnet', 'tar'], 'what leaves its folder, is refused, or is read differently by Python and GNU tar is never clean', async t => {
  t.timeout(300_000);
  const small = hostileTars.filter(({ bytes }) => bytes.length < 1_000_000);
  const answers = await readTars(small);
  const dangerous = answers.map(danger);
  const table = new Map<string, number>();
  small.forEach(({ name, bytes }, index) => {
    const verdict = verdictOf(bytes);
    const key = `${dangerous[index] === null ? 'agreed' : 'dangerous'}, ${verdict}`;
    table.set(key, (table.get(key) ?? 0) + 1);
    if (dangerous[index] !== null) t.not(verdict, 'clean', `${name}: ${dangerous[index]}`);
  });
  t.log([...table].map(([key, count]) => `${key}: ${count}`).join('; '));
  // The oracle itself must be able to see each of the three.
  t.true(dangerous.filter(why => why?.startsWith('leaves')).length >= 10);
  t.true(dangerous.filter(why => why?.startsWith('read differently')).length >= 5);
  t.true(dangerous.filter(why => /refuses|complains/.test(why ?? '')).length >= 5);
});

testWith(['mxnet', 'tar'], 'a changed archive that is clean still is one archive for Python and GNU tar', async t => {
  t.timeout(300_000);
  const seeds = [
    archive(file('a.json'), file('./b/c.json'), link('d', 'a.json'), file('e.json')),
    archive(pax({ path: 'code/long-name.json', mtime: '1.5' }), file('a.json'), pax({ comment: 'x' }, 'g'), file('b.json')),
    archive(long('L', 'long/name.json'), file('a.json', { magic: 'ustar  \0' }), long('K', 'long/name.json'), link('b', 'c')),
    archive(extended(Buffer.concat([record('path', 'b.json'), record('size', '8')])), file('a.json'), link('h', 'b.json', '1')),
  ];
  const random = createRandom(7);
  const interesting = [...Buffer.from('0123456789abcdef ./LSgx\\', 'latin1'), 0, 0x80, 0xff];
  const cases = Array.from({ length: 300 }, (_, index) => {
    const bytes = Uint8Array.from(seeds[index % seeds.length] ?? []);
    for (let times = 1 + random(2); times > 0; times--) {
      const block = random(bytes.length / 512) * 512;
      const at = block + random(random(3) === 0 ? 512 : 157);
      bytes[at] = interesting[random(interesting.length)] ?? 0;
      mend(bytes, block);
    }
    return { name: `change ${index}`, bytes };
  });
  const answers = await readTars(cases);
  let clean = 0;
  cases.forEach(({ bytes }, index) => {
    const answer = answers[index];
    if (!answer || verdictOf(bytes) !== 'clean') return;
    clean += 1;
    t.is(danger(answer), null, `change ${index}: ${JSON.stringify(answer)}`);
  });
  t.log(`${clean} of ${cases.length} changed archives are clean`);
  t.true(clean >= 10);
});

/** Sets the sum right again, where a header stands. */
function mend(bytes: Uint8Array, block: number) {
  if (bytes[block + 155] !== 0x20 || bytes[block + 154] !== 0) return;
  bytes.fill(0x20, block + 148, block + 156);
  const sum = bytes.subarray(block, block + 512).reduce((all, byte) => all + byte, 0);
  bytes.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), block + 148);
}
