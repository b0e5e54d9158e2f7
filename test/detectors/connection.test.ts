import test from 'ava';
import connection from '../../detectors/connection.ts';
import type { EventOf } from '../../agent/contract/event.ts';
import { child, memory, mxnetCalled, mxnetMapped, networkConnected, noon, process } from '../builders.ts';

const config = connection.config.parse({});
const minute = 60_000;
const to = (address: string, port = 443, after = 1_000, change: Partial<EventOf<'network.connected'>> = {}) =>
  networkConnected({ id: 'connection', address, port, at: noon + after, ...change });

function loaded(kept = memory(), options = config) {
  const see = connection.create(options, kept);
  see(mxnetCalled({ id: 'load' }));
  return see;
}

test('the first connection to an address after a load is low and says where to, and how long after which model', t => {
  const [finding, ...more] = loaded()(to('203.0.113.7', 443, 1_512));
  t.deepEqual(more, []);
  t.like(finding, { rule: 'connection.first', severity: 'low', because: ['connection', 'load'] });
  t.is(finding?.summary, '/usr/bin/python3 (pid 4121, uid 1001) connected to "203.0.113.7" tcp port 443, where it never connected before, 1.5 s after loading "/srv/models/model-0000.params"');
});

test('the second one is none, nor the first after a restart, in whatever spelling', t => {
  const kept = memory();
  const see = loaded(kept);
  see(to('2001:db8::7'));
  t.deepEqual(see(to('2001:DB8:0:0::7')), []);
  t.deepEqual(loaded(memory(kept.entries))(to('2001:db8::7')), []);
});

test('another port of the same address is news', t => {
  const see = loaded();
  see(to('203.0.113.7', 443));
  t.is(see(to('203.0.113.7', 4_444)).length, 1);
});

test('loopback is told, but ports that the kernel chooses are one', t => {
  const see = loaded();
  t.is(see(to('127.0.0.1', 9_000)).length, 1);
  t.is(see(to('127.0.0.1', 40_001)).length, 1);
  t.is(see(to('127.0.0.1', 50_002)).length, 0);
});

test('what it used before any load is known', t => {
  const see = connection.create(config, memory());
  t.deepEqual(see(to('203.0.113.7', 443, -minute)), []);
  see(mxnetCalled());
  t.deepEqual(see(to('203.0.113.7')), []);
});

test('long after the load a new address is only info', t => {
  t.is(loaded()(to('203.0.113.7', 443, 30 * minute))[0]?.severity, 'info');
});

test('a child of another executable has its own peers', t => {
  const see = loaded();
  see(to('203.0.113.7'));
  t.is(see(to('203.0.113.7', 443, 2_000, { process: child() })).length, 1);
});

test('a connection made while the load had not returned is told when it does', t => {
  const see = connection.create(config, memory());
  see(mxnetMapped());
  t.deepEqual(see(to('203.0.113.7', 443, 50)), []);
  const [finding] = see(mxnetCalled({ id: 'load', durationMs: 100 }));
  t.like(finding, { rule: 'connection.first', severity: 'low', because: ['connection', 'load'] });
  t.regex(finding?.summary ?? '', /while it loaded/);
});

test('a port that the service opens is low, one that a child opens is medium, except on loopback', t => {
  t.like(loaded()(to('0.0.0.0', 8_080, 1_000, { direction: 'listen' }))[0], { rule: 'connection.listener', severity: 'low' });
  t.like(loaded()(to('0.0.0.0', 8_080, 1_000, { direction: 'listen', process: child() }))[0], { rule: 'connection.listener', severity: 'medium' });
  t.is(loaded()(to('127.0.0.1', 8_080, 1_000, { direction: 'listen', process: child() }))[0]?.severity, 'low');
});

test('a port that it always opens is none', t => {
  const kept = memory();
  loaded(kept)(to('0.0.0.0', 8_080, 1_000, { direction: 'listen' }));
  t.deepEqual(loaded(memory(kept.entries))(to('0.0.0.0', 8_080, 1_000, { direction: 'listen' })), []);
});

test('the metadata service after a load is high, in every spelling, and told once', t => {
  for (const address of ['169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254', 'FD00:0EC2:0:0:0:0:0:254', '100.100.100.200']) {
    const see = loaded();
    t.like(see(to(address, 80))[0], { rule: 'connection.metadata-service', severity: 'high' }, address);
    t.deepEqual(see(to(address, 80)), []);
  }
});

test('a neighbour of the metadata service is an address like others, and a listener there is one', t => {
  t.is(loaded()(to('169.254.169.253', 80))[0]?.rule, 'connection.private-range');
  t.is(loaded()(to('169.254.169.254', 80, 1_000, { direction: 'listen' }))[0]?.rule, 'connection.listener');
});

test('a program that asks it before it loads, as cloud libraries do, is low after the load', t => {
  const see = connection.create(config, memory());
  t.deepEqual(see(to('169.254.169.254', 80, -minute)), []);
  see(mxnetCalled());
  t.is(see(to('169.254.169.254', 80))[0]?.severity, 'low');
});

test('one that asks it from within its first load is high, and has not made it a habit', t => {
  const kept = memory();
  const see = connection.create(config, kept);
  see(to('169.254.169.254', 80, 50));
  t.is(see(mxnetCalled({ durationMs: 100 }))[0]?.severity, 'high');
  const again = connection.create(config, memory(kept.entries));
  again(mxnetCalled({ process: process() }));
  t.is(again(to('169.254.169.254', 80))[0]?.severity, 'high');
});

test('asked long after the load it is low, not silent', t => {
  t.like(loaded()(to('169.254.169.254', 80, 30 * minute))[0], { rule: 'connection.metadata-service', severity: 'low' });
});

test('what is excepted uses up no turn of what is not', t => {
  const see = connection.create(config, memory(), (_, event) => event.kind === 'network.connected' && event.address !== '203.0.114.1');
  see(mxnetCalled({ id: 'load' }));
  t.deepEqual(Array.from({ length: 50 }, (_, index) => see(to(`203.0.113.${index}`))).flat(), []);
  t.is(see(to('203.0.114.1')).length, 1);
});

test('a scan is told ten times, and the last one says that the rest is not', t => {
  const see = loaded();
  const told = Array.from({ length: 100 }, (_, index) => see(to(`203.0.113.${index}`))).flat();
  t.is(told.length, 10);
  t.regex(told.at(-1)?.summary ?? '', /further ones/);
});
