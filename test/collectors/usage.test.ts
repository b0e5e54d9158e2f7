import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openCensus } from '../../collectors/kernel/procfs/census.ts';
import { refOf } from '../../collectors/kernel/procfs/describe.ts';
import usage from '../../collectors/usage.ts';
import { folder, here, libraryAt, listeningPort, madeHost, mapLine, patience, run, until, writeProcess } from './kernel/procfs/tree.ts';

test.beforeEach(t => { t.timeout(patience * 2); });

test('a busy real process: processor time, memory, threads, descriptors, bytes read', async t => {
  const library = libraryAt(join(folder(t), 'libmxnet.so'));
  const child = run(t, 'sh', ['-c', 'exec cat /dev/zero >/dev/null 7</dev/null'], { LD_PRELOAD: library });
  const { port, of } = listeningPort(here);
  await using _ = await usage.start(usage.config.parse({ intervalMs: 200 }), port);
  const mine = () => of('process.sampled').filter(each => each.process.pid === child.pid);
  const sample = await until(() => mine().find(each => each.cpuSeconds > 0 && each.readBytes > 1 << 20));
  t.deepEqual(sample.process, refOf(here, child.pid) ?? undefined);
  t.is(sample.threads, 1);
  t.true(sample.descriptors >= 4);
  t.true(sample.rssBytes > 100_000);
  t.true(sample.writtenBytes > 0);
  t.true(sample.cpuSeconds <= sample.intervalMs / 1_000 * 1.5 + 0.02);
  t.true(sample.intervalMs >= 190);
});

test('figures are those of the interval, and the same moment before a load is not counted to what follows', async t => {
  const host = madeHost(folder(t), [{ pid: 7, maps: mapLine(5, '/a/libmxnet.so'), io: 'rchar: 100\nwchar: 50\n' }]);
  writeFileSync(join(host.proc, '7/fd/0'), '');
  const { port, of } = listeningPort(host);
  await using _ = await usage.start(usage.config.parse({ intervalMs: 3_600_000 }), port);
  await using census = await openCensus(host, () => {});
  await new Promise(resolve => setTimeout(resolve, 100));
  t.is(of('process.sampled').length, 0, 'the first look only begins an interval');
  writeProcess(host, { pid: 7, maps: mapLine(5, '/a/libmxnet.so'), io: 'rchar: 350\nwchar: 50\n', threads: 4 });
  census.noteLoad(7);
  await until(() => of('process.sampled').length >= 5);
  const [first, second] = of('process.sampled');
  t.like(first, { readBytes: 250, writtenBytes: 0, threads: 4, cpuSeconds: 0, rssBytes: 777 * 4_096 });
  t.like(second, { readBytes: 0 });
  t.true((second?.intervalMs ?? 0) < 3_000, 'looked at closely after the load');
});

test('a process that has gone is sampled no more, one with its pid is another', async t => {
  const made = { pid: 7, maps: mapLine(5, '/a/libmxnet.so') };
  const host = madeHost(folder(t), [made]);
  const { port, of, failures } = listeningPort(host);
  await using _ = await usage.start(usage.config.parse({ intervalMs: 100 }), port);
  await until(() => of('process.sampled').length > 1);
  writeProcess(host, { ...made, startTicks: 900 });
  await until(() => of('process.sampled').some(each => each.process.startTicks === 900));
  rmSync(join(host.proc, '7'), { recursive: true });
  await new Promise(resolve => setTimeout(resolve, 500));
  const { length } = of('process.sampled');
  await new Promise(resolve => setTimeout(resolve, 400));
  t.is(of('process.sampled').length, length);
  t.deepEqual(failures, []);
});
