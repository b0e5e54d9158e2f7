import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testWith } from '../services/require.ts';
import { newest, ofScene, scene, startAgent, startServer, until } from './rig.ts';

/** One V2 record whose shape claims -1 dimensions: the loader of 1.9.1 copies without bound. */
function hostileParams(): Buffer {
  const file = Buffer.alloc(24 + 12 + 4_096);
  file.writeBigUInt64LE(0x112n, 0);
  file.writeBigUInt64LE(1n, 16);
  file.writeUInt32LE(0xF993FAC9, 24);
  file.writeInt32LE(0, 28);
  file.writeInt32LE(-1, 32);
  return file;
}

testWith(['mxnet', 'root', 'tracefs'], 'a params file that kills its loader is one high incident that names the file and the call', async t => {
  t.timeout(240_000);
  await using at = await scene();
  const file = join(at.models, 'broken-0000.params');
  await using agent = await startAgent(at);
  await using server = await startServer();
  await writeFile(file, hostileParams());
  server.send(`array ${file}`);
  await server.exited;

  const severe = async () => newest(await at.alerts()).filter(alert => alert.severity_id >= 4).filter(ofScene(at, [server.pid]));
  // The inspector may be quicker than the crash: then the incident is told before, and goes on.
  const told = /broken-0000\.params crashed python[^ ]* \[\d+\]|broken-0000\.params.* crashed python/;
  await until(async () => (await severe()).some(({ message }) => told.test(message)), 60_000, () => `the crash is an alert\n${agent.stderr()}`);
  const [alert, ...others] = await severe();
  t.deepEqual(others, []);
  t.regex(alert?.message ?? '', told);
  t.regex(alert?.unmapped.mxwarden.story.join('\n') ?? '', /MXNDArrayLoad.*crashed/);
});
