import { setTimeout as delay } from 'node:timers/promises';
import type { RealCollector } from './collector.ts';
import { startCollector } from './collector.ts';
import { testWith } from './require.ts';

const attribute = (key: string, value: object) => ({ key, value });

const nested = {
  kvlistValue: {
    values: [
      attribute('file', { kvlistValue: { values: [attribute('path', { stringValue: 'm-0000.params' }), attribute('size', { intValue: '9007199254740993' })] } }),
      attribute('tags', { arrayValue: { values: [{ stringValue: 'a' }, { boolValue: true }, { doubleValue: 0.5 }, {}] } }),
      attribute('digest', { bytesValue: 'AQID' }),
    ],
  },
};

async function post(collector: RealCollector, ...names: string[]): Promise<number> {
  const logRecords = names.map((eventName) => ({
    timeUnixNano: '1795485600000000001', severityNumber: 17, severityText: 'ERROR', eventName,
    attributes: [attribute('rule', { stringValue: 'pickle.unknown-global' }), attribute('pid', { intValue: '42' })], body: nested,
  }));
  const resource = { attributes: [attribute('host.name', { stringValue: 'gpu-1' })] };
  const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'mxwarden', version: '0.1.0' }, logRecords }] }] });
  const response = await fetch(`${collector.http}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  await response.arrayBuffer();
  return response.status;
}

const names = async (collector: RealCollector): Promise<string[]> => (await collector.records()).map(({ eventName }) => eventName);

testWith(['collector'], 'the real Collector stores a record with its nested body as it was sent', async (t) => {
  await using collector = await startCollector();
  t.is(await post(collector, 'incident.opened'), 200);
  const [record] = await collector.records();
  t.like(record, {
    eventName: 'incident.opened', severityNumber: 17, severityText: 'ERROR', time: 1_795_485_600_000_000_001n,
    attributes: { rule: 'pickle.unknown-global', pid: 42 }, resource: { 'host.name': 'gpu-1' }, scope: { name: 'mxwarden', version: '0.1.0' },
  });
  t.deepEqual(record?.body, {
    file: { path: 'm-0000.params', size: 9_007_199_254_740_993n }, tags: ['a', true, 0.5, null], digest: Uint8Array.of(1, 2, 3),
  });
});

testWith(['collector'], 'what the real Collector acknowledged survives its crash', async (t) => {
  await using collector = await startCollector();
  await post(collector, 'one', 'two');
  await collector.kill();
  t.deepEqual(await names(collector), ['one', 'two']);
  await t.throwsAsync(post(collector, 'lost'));
  await collector.restart();
  await post(collector, 'three');
  t.deepEqual(await names(collector), ['one', 'two', 'three']);
});

testWith(['collector'], 'a durable Collector delivers what it acknowledged after its crash and an outage behind it', async (t) => {
  await using collector = await startCollector({ durable: true });
  await collector.behind?.stop();
  t.is(await post(collector, 'one', 'two'), 200);
  await collector.kill();
  await collector.restart();
  t.deepEqual(await names(collector), []);
  await collector.behind?.restart();
  const deadline = Date.now() + 10_000;
  while ((await names(collector)).length < 2 && Date.now() < deadline) await delay(50);
  t.deepEqual(await names(collector), ['one', 'two']);
});
