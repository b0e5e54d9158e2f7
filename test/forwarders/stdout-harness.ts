/**
 * Run as a program of its own: sends three changes of one incident and a heartbeat to standard output and says on stderr how
 * it went. `json`: no heartbeat, and waits for a line on standard input before each but the first.
 */
import { once } from 'node:events';
import stdout from '../../forwarders/stdout.ts';
import { envelope, finding, heartbeat, host, loaded, memoryLog, ran, t0, told } from './builders.ts';

const [format = 'auto'] = process.argv.slice(2);
const sink = await stdout.open(stdout.config.parse({ format }), { log: memoryLog(), host });
const say = (text: string): void => { process.stderr.write(`${text}\n`); };
const changes = [
  envelope({ story: told(loaded), severity: 'medium', title: 'first' }),
  envelope({ story: told(loaded, ran, finding()), status: 'updated', revision: 2, changedAt: t0 + 3_000 }, { id: 'env-2' }),
  envelope({ story: told(loaded, ran, finding()), status: 'closed', revision: 3, title: 'a\u001b[2Jb' }, { id: 'env-3' }),
  ...format === 'json' ? [] : [heartbeat()],
];
for (const [index, change] of changes.entries()) {
  if (format === 'json' && index > 0) await once(process.stdin, 'data');
  try {
    await sink.send([change], AbortSignal.timeout(3_000));
    say(`sent ${change.id}`);
  } catch (error) { say(`${(error as Error).name} ${(error as Error).message}`); }
}
await sink[Symbol.asyncDispose]();
say('alive');
process.stdin.destroy();
