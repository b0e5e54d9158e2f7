import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import host from '../../collectors/host.ts';
import { resolversOf, serversIn } from '../../collectors/kernel/procfs/resolvers.ts';
import { takeInventory } from '../../collectors/kernel/procfs/stocktaking.ts';
import { folder, here, listeningPort, patience, until } from './kernel/procfs/tree.ts';

test.beforeEach(t => { t.timeout(patience * 2); });

test('the real host: load, busy share and available memory', async t => {
  const { port, of } = listeningPort(here);
  await using _ = await host.start(host.config.parse({ intervalMs: 100 }), port);
  const [first] = await until(() => of('host.sampled').length > 2 && of('host.sampled'));
  t.true(first !== undefined && first.load1 >= 0 && first.cpuRatio >= 0 && first.cpuRatio <= 1 && first.availableBytes > 1 << 20);
});

test('the busy share is that between two samples', async t => {
  const root = folder(t);
  const proc = join(root, 'proc');
  mkdirSync(proc);
  writeFileSync(join(proc, 'stat'), 'cpu  100 0 100 800 0 0 0 0\n');
  writeFileSync(join(proc, 'loadavg'), '0.25 0.10 0.05 1/100 999\n');
  writeFileSync(join(proc, 'meminfo'), 'MemTotal: 10 kB\nMemAvailable:       4 kB\n');
  const { port, of } = listeningPort({ ...here, proc });
  await using _ = await host.start(host.config.parse({ intervalMs: 100 }), port);
  writeFileSync(join(proc, 'stat'), 'cpu  125 0 125 950 0 0 0 0\n');
  t.like(await until(() => of('host.sampled')[0]), { load1: 0.25, cpuRatio: 0.25, availableBytes: 4_096 });
});

test('a /proc that does not parse fails the collector, which is started again', async t => {
  const proc = join(folder(t), 'proc');
  mkdirSync(proc);
  writeFileSync(join(proc, 'stat'), 'cpu  100 0 100 800 0 0 0 0\n');
  writeFileSync(join(proc, 'loadavg'), 'busy\n');
  const { port, failures } = listeningPort({ ...here, proc });
  await using _ = await host.start(host.config.parse({ intervalMs: 100 }), port);
  const failure = await until(() => failures[0]);
  t.true(failure instanceof RangeError);
});

test('the inventory says what machine this is', async t => {
  const inventory = await takeInventory(AbortSignal.timeout(patience));
  t.true(inventory.memoryBytes > 1 << 20);
  t.true(inventory.cpu.cores >= 1);
  t.not(inventory.os.kernel, '');
  t.true(inventory.interfaces.length >= 1);
});

test('an inventory that is stopped ends with its reason', async t => {
  const stop = new AbortController();
  const taken = takeInventory(stop.signal);
  stop.abort();
  await t.throwsAsync(taken, { message: 'stopped' });
});

test('name servers are addresses in the lines that say so, whatever else stands there', t => {
  const text = 'nameserver 10.0.0.2\n nameserver\tfe80::1%eth0 # router\nnameserver 10.0.0.2.3\nsearch nameserver 8.8.8.8\n#nameserver 9.9.9.9\nnameserver 1.1.1.1; x\nnameserver evil\u001b[2J\n';
  t.deepEqual(serversIn(text), ['10.0.0.2', 'fe80::1', '1.1.1.1']);
});

test('the watched host\'s own name servers are told, with those behind a server on loopback, and absent where they cannot be read', t => {
  const root = folder(t);
  mkdirSync(join(root, 'proc/1/root/etc'), { recursive: true });
  const host = { ...here, proc: join(root, 'proc') };
  t.is(resolversOf(host), null);
  writeFileSync(join(root, 'proc/1/root/etc/resolv.conf'), 'nameserver 127.0.0.53\n');
  t.deepEqual(resolversOf(host), ['127.0.0.53']);
  mkdirSync(join(root, 'proc/1/root/run/systemd/resolve'), { recursive: true });
  writeFileSync(join(root, 'proc/1/root/run/systemd/resolve/resolv.conf'), `${Array.from({ length: 40 }, (_, index) => `nameserver 10.0.0.${index}`).join('\n')}\n`);
  t.deepEqual(resolversOf(host)?.slice(0, 2), ['127.0.0.53', '10.0.0.0']);
  t.is(resolversOf(host)?.length, 16);
});
