import type { Event } from '../../agent/contract/event.ts';
import type { Process } from '../../agent/contract/process.ts';
import {
  artifactInspected, credentialsChanged, eventsLost, fileAccessed, fileChanged, fileOpened, identity, kernelUsed, memoryProtected, mxnetCalled, mxnetMapped,
  networkConnected, networkTransferred, noon, pathArgument, process, processExecuted, processExited, processSampled, processTraced, sensorChanged,
} from '../builders.ts';

/** Numbers below `most` that are the same in each run. */
export function randomFrom(seed: number) {
  let state = seed;
  return (most: number): number => { state = (state * 48_271) % 2_147_483_647; return state % most; };
}

/** What somebody could send who wants to fill every memory: mostly new processes, files, addresses and commands. */
export function randomEvent(random: (most: number) => number, index: number): Event {
  const at = noon + index * 7 + random(2_000);
  const id = `r${index}`;
  const pid = random(60_000);
  const of: Process = process({
    pid, startTicks: random(3), uid: random(200), executable: { path: name(random, '/opt'), file: null }, argv: [name(random, '/bin'), `${random(1e6)}`, '-c', `id ${random(1e6)}`],
    ancestors: Array.from({ length: random(16) }, () => ({ pid: random(60_000), startTicks: random(3), path: '/usr/bin/python3' })),
  });
  const place = { path: `${name(random, '/srv')}/${random(50)}.params` };
  const file = identity({ inode: `${random(1e6)}`, size: random(1e6), ctimeNs: `${random(10)}` });
  const access = { uid: random(5), gid: 0, mode: random(0o10000) };
  switch (random(16)) {
    case 14: return random(2) ? fileAccessed({ id, at, place: random(3) ? place : { path: `${name(random, '/home')}/.ssh/id_rsa` }, what: random(2) ? 'model' : 'secret', by: random(9) ? of : null })
      : processTraced({ id, at, process: of, tree: of, target: { pid: random(60_000), startTicks: random(3) }, means: (['attach', 'traceme', 'read', 'write', 'memory'] as const)[random(5)] ?? 'read' });
    case 15: return systemEvent(random, id, at, of);
    case 0: case 1: return fileChanged({ id, at, place, file, access, by: random(2) ? of : null, change: (['created', 'written', 'removed', 'attributes', 'found'] as const)[random(5)] ?? 'found' });
    case 2: case 3: case 4: return mxnetCalled({ id, at, process: of, durationMs: random(5_000), outcome: random(9) ? 'ok' : 'failed', argument: pathArgument({ place: random(20) ? place : null, file: random(20) ? file : null, access: { uid: random(5), mode: random(0o10000), openFolder: null } }) });
    case 5: return mxnetCalled({ id, at, process: of, api: 'MXLoadLib', argument: random(2) ? { type: 'unread', why: 'fault' } : { type: 'buffer', bytes: random(1e6) } });
    case 6: return fileOpened({ id, at, place, file, by: of });
    case 7: return processExecuted({ id, at, process: of, tree: { pid: random(60_000), startTicks: random(3) } });
    case 8: return processExited({ id, at, process: of, tree: of });
    case 9: return mxnetMapped({ id, at, process: of });
    case 10: return networkConnected({ id, at, process: of, tree: of, address: `10.${random(256)}.${random(256)}.${random(256)}`, port: random(65_536), direction: random(4) ? 'outbound' : 'listen' });
    case 11: return random(2) ? processSampled({ id, at, process: of, cpuSeconds: random(100) / 10, threads: random(1_000) }) : networkTransferred({ id, at, process: of, sentBytes: random(1e9) });
    case 12: return artifactInspected({ id, at, place, file, sha256: random(1e9).toString(16).padStart(64, '0') });
    default: return random(2) ? eventsLost({ id, at, collector: `c${random(1e6)}` }) : sensorChanged({ id, at, sensor: `s${random(1e6)}`, state: random(2) ? 'armed' : 'down' });
  }
}

function systemEvent(random: (most: number) => number, id: string, at: number, of: Process): Event {
  const who = { id, at, process: of, tree: of };
  switch (random(3)) {
    case 0: return memoryProtected({ ...who, writable: random(2) === 0, backing: (['anonymous', 'file', 'unlinked', null] as const)[random(4)] ?? null, bytes: random(1e6) });
    case 1: return credentialsChanged({ ...who, uid: { before: random(1e6), after: random(1e6) }, gained: random(2) ? ['CAP_SYS_ADMIN'] : [] });
    default: return kernelUsed({ ...who, interface: (['memfd', 'io_uring', 'bpf', 'perf', 'module', 'mount', 'namespace', 'capability'] as const)[random(8)] ?? 'memfd', detail: name(random, '') });
  }
}

/** One name in forty is as long as a path may be. */
const name = (random: (most: number) => number, root: string): string => `${root}/${random(40) ? '' : 'x'.repeat(4_000)}${random(100_000)}`;
