/* An agent that will be killed: opens a session, probes the library named first, says the pid of its sensor. */
import { openBpfSession } from '../../../../collectors/kernel/bpf/session.ts';
import { host, witness } from '../tracefs/stage.ts';

const session = await openBpfSession(host, { log: witness().port.log, bufferKb: 64, syscalls: false });
await session.probes.add(process.argv[2] ?? '');
process.stdout.write(`${session.sensorPid}\n`);
