/* An agent that will be killed: opens a session, probes the library named first, says the pid of its reader. */
import { openSession } from '../../../../collectors/kernel/tracefs/session.ts';
import { host, witness } from './stage.ts';

const session = await openSession(host, { log: witness().port.log, bufferKb: 64, mount: true });
await session.probes.add(process.argv[2] ?? '');
process.stdout.write(`${session.readerPid}\n`);
