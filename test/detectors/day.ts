import type { Event } from '../../agent/contract/event.ts';
import type { FileIdentity } from '../../agent/contract/file.ts';
import type { Process } from '../../agent/contract/process.ts';
import {
  agentSampled, agentStarted, artifactInspected, fileChanged, fileOpened, identity, mxnetCalled, mxnetMapped, networkConnected, networkTransferred, noon, pathArgument,
  process, processExecuted, processExited, processSampled, sensorChanged,
} from '../builders.ts';

const second = 1_000;
const python = { path: '/usr/bin/python3.11', file: null };

/** A day on one machine, in order of time, with ids. */
export function benignDay(): Event[] {
  const events = [...machine(), ...training(), ...serving(), ...zoo(), ...deployment(), ...cluster(), ...notebook()];
  return events.sort((a, b) => a.at - b.at).map((event, index) => ({ ...event, id: `d${index}` }));
}

/** A random number that is the same in each run. */
function randomFrom(seed: number) {
  let state = seed;
  return () => { state = (state * 48_271) % 2_147_483_647; return state / 2_147_483_647; };
}

function machine(): Event[] {
  const armed = ['watch', 'processes', 'mxnet', 'exec', 'network', 'usage'].map(sensor => sensorChanged({ at: noon, sensor, collector: sensor }));
  const existing = ['resnet-symbol.json', 'resnet-0000.params'].flatMap((name, index) => [
    fileChanged({ at: noon + 100, change: 'found', place: { path: `/srv/models/${name}` }, file: identity({ inode: `${index}` }) }),
    artifactInspected({ at: noon + 300, place: { path: `/srv/models/${name}` }, file: identity({ inode: `${index}` }), sha256: `${index}`.repeat(64) }),
  ]);
  return [agentStarted({ at: noon }), ...armed, ...existing, ...Array.from({ length: 3_600 }, (_, index) => agentSampled({ at: noon + index * second }))];
}

const samples = (of: Process, from: number, seconds: number, level: (second: number) => Parameters<typeof processSampled>[0]): Event[] =>
  Array.from({ length: seconds }, (_, index) => processSampled({ at: from + index * second, process: of, ...level(index) }));

const loads = (of: Process, at: number, files: readonly (readonly [path: string, file: FileIdentity])[], access = { uid: 0, mode: 0o644, openFolder: null as string | null }): Event[] =>
  files.map(([path, file], index) => mxnetCalled({
    at: at + index * 20, process: of, thread: of.pid, api: path.endsWith('.json') ? 'MXSymbolCreateFromFile' : 'MXNDArrayLoad',
    argument: pathArgument({ raw: path, place: { path }, file, access }),
  }));

const child = (of: Process, pid: number, at: number, path: string, argv: readonly string[], depth = of): Event => processExecuted({
  at, tree: of, parent: depth, process: process({ pid, startTicks: pid * 10, executable: { path, file: null }, argv, ancestors: [{ pid: of.pid, startTicks: of.startTicks, path: of.executable.path }] }),
});

/**
 * Probes its machine, starts workers by fork and by spawn, writes a checkpoint every minute, reloads the best one every
 * five, and overwrites it; the sensor mostly cannot tell who wrote.
 */
function training(): Event[] {
  const random = randomFrom(11);
  const trainer = process({ pid: 2_000, startTicks: 20_000, executable: python, argv: ['python3', 'train.py'], cwd: '/home/u/project', uid: 1_000 });
  const at = noon + 10 * second;
  const events: Event[] = [
    mxnetMapped({ at, process: trainer }),
    child(trainer, 2_001, at - 400, '/usr/bin/uname', ['uname', '-p']),
    child(trainer, 2_002, at - 300, '/usr/sbin/ldconfig', ['/sbin/ldconfig', '-p']),
    child(trainer, 2_003, at - 200, '/usr/bin/x86_64-linux-gnu-gcc-12', ['gcc', '-Wl,-t', '-o', '/tmp/x', '-lgomp']),
    child(trainer, 2_004, at - 100, '/usr/bin/lscpu', ['lscpu']),
    child(trainer, 2_005, at + 50, '/usr/bin/nproc', ['nproc']),
    networkConnected({ at: at + 500, process: trainer, tree: trainer, address: '169.254.169.254', port: 80 }),
    networkConnected({ at: at + 600, process: trainer, tree: trainer, address: '203.0.113.20' }),
    ...loads(trainer, at + 5 * second, [['/srv/models/resnet-symbol.json', identity({ inode: '0' })], ['/srv/models/resnet-0000.params', identity({ inode: '1' })]]),
    networkConnected({ at: at + 8 * second, process: trainer, tree: trainer, address: '169.254.169.254', port: 80 }),
  ];
  for (let worker = 0; worker < 4; worker++) {
    const forked = process({ ...trainer, pid: 2_100 + worker, startTicks: 21_000, ancestors: [{ pid: trainer.pid, startTicks: trainer.startTicks, path: python.path }] });
    events.push(mxnetMapped({ at: at + 10 * second, process: forked }), ...samples(forked, at + 11 * second, 600, () => ({ cpuSeconds: 0.2 + random() * 0.4 })), processExited({ at: at + 620 * second, process: forked, tree: forked }));
    events.push(child(trainer, 2_200 + worker, at + 12 * second, python.path, ['/usr/bin/python3', '-c', 'from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=7, pipe_handle=9)', '--multiprocessing-fork']));
  }
  events.push(child(trainer, 2_300, at + 11 * second, python.path, ['/usr/bin/python3', '-c', 'from multiprocessing.resource_tracker import main;main(7)']));
  for (let minute = 1; minute <= 60; minute++) {
    const when = at + minute * 60 * second;
    const by = minute % 3 === 0 ? trainer : null;
    const epoch = `/home/u/project/out/net-${String(minute).padStart(4, '0')}.params`;
    events.push(...saved(epoch, when, minute, by));
    const best = '/home/u/project/out/net-best.params';
    if (minute % 5 === 0) events.push(...saved(best, when + second, minute, by), ...loads(trainer, when + 10 * second, [[best, state(minute)]], { uid: 1_000, mode: 0o664, openFolder: null }));
  }
  events.push(...samples(trainer, at + second, 3_600, now => ({ cpuSeconds: now % 60 < 50 ? 6 + random() : 0.5 + random() * 0.2, rssBytes: 2 ** 30 + random() * 2 ** 26, threads: 40 })));
  return events;
}

const state = (minute: number): FileIdentity => identity({ inode: `${900 + minute}`, size: 40_000_000, mtimeNs: `${1_795_521_600 + minute}000000000`, ctimeNs: `${1_795_521_600 + minute}000000000` });

/** Created, stable two seconds later, inspected soon after. */
function saved(path: string, at: number, minute: number, by: Process | null): Event[] {
  const access = { uid: 1_000, gid: 1_000, mode: 0o664 };
  return [
    fileChanged({ at, place: { path }, change: 'created', file: state(minute), access, by }),
    fileChanged({ at: at + 2 * second, place: { path }, change: 'written', file: state(minute), access, by }),
    artifactInspected({ at: at + 2.5 * second, place: { path }, file: state(minute), sha256: String(minute).padStart(64, 'c') }),
  ];
}

/** Four workers that were forked before they load the same model, a port, and requests that come in waves. */
function serving(): Event[] {
  const random = randomFrom(5);
  const master = process({ pid: 3_000, startTicks: 30_000, executable: python, argv: ['python3', '/usr/bin/gunicorn', 'app:app'], uid: 33 });
  const at = noon + 60 * second;
  const events: Event[] = [mxnetMapped({ at, process: master }), networkConnected({ at: at + second, process: master, tree: master, direction: 'listen', address: '0.0.0.0', port: 8_080 })];
  for (let worker = 0; worker < 4; worker++) {
    const forked = process({ ...master, pid: 3_001 + worker, startTicks: 30_100, ancestors: [{ pid: master.pid, startTicks: master.startTicks, path: python.path }] });
    events.push(
      mxnetMapped({ at: at + 2 * second, process: forked }),
      ...loads(forked, at + 3 * second, [['/srv/models/resnet-symbol.json', identity({ inode: '0' })], ['/srv/models/resnet-0000.params', identity({ inode: '1' })]], { uid: 1_500, mode: 0o644, openFolder: null }),
      networkConnected({ at: at + 5 * second, process: forked, tree: forked, address: '10.0.0.9', port: 5_432 }),
      networkConnected({ at: at + 6 * second, process: forked, tree: forked, address: '127.0.0.1', port: 45_001 + worker }),
      ...samples(forked, at + second * 3, 3_000, now => ({ cpuSeconds: Math.max(0.02, Math.sin(now / 200)) * (0.8 + random() * 0.2), threads: 20 })),
      ...Array.from({ length: 3_000 }, (_, now) => networkTransferred({ at: at + (3 + now) * second + 300, process: forked, sentBytes: 20_000 + random() * 10_000 })),
    );
  }
  return events;
}

/** Downloads a model into the cache of the zoo and loads it. */
function zoo(): Event[] {
  const user = process({ pid: 4_000, startTicks: 40_000, executable: python, argv: ['python3', 'predict.py'], cwd: '/home/u', uid: 1_000 });
  const path = '/home/u/.mxnet/models/mobilenet-0000.params';
  const at = noon + 600 * second;
  return [
    mxnetMapped({ at, process: user }),
    networkConnected({ at: at + second, process: user, tree: user, address: '198.51.100.4' }),
    ...loads(user, at + 9 * second, [[path, state(0)]], { uid: 1_000, mode: 0o644, openFolder: null }),
    artifactInspected({ at: at + 10 * second, place: { path }, file: state(0), sha256: 'e'.repeat(64) }),
    networkConnected({ at: at + 12 * second, process: user, tree: user, address: '198.51.100.5' }),
    ...samples(user, at + second, 120, () => ({ cpuSeconds: 1 })),
    processExited({ at: at + 121 * second, process: user, tree: user }),
  ];
}

/**
 * Training on many machines in a pod: asks the API server who its peers are before it loads, meets sixteen of them, pushes
 * its figures every fifteen seconds, and uploads the checkpoints that it wrote.
 */
function cluster(): Event[] {
  const container = { id: 'c0ffee', runtime: 'containerd', podUid: 'p1' };
  const trainer = process({ pid: 6_000, startTicks: 60_000, executable: python, argv: ['python3', 'dist.py'], uid: 1_000, container });
  const at = noon + 900 * second;
  const to = (address: string, port: number, when: number, change: Parameters<typeof networkConnected>[0] = {}) => networkConnected({ at: when, process: trainer, tree: trainer, address, port, ...change });
  const names = (index: number) => to('10.96.0.10', 53, at - second + index * 30 * second, { protocol: 'udp' });
  const epochs = Array.from({ length: 4 }, (_, index) => `/srv/out/net-${String(index + 1).padStart(4, '0')}.params`);
  return [
    mxnetMapped({ at: at - 2 * second, process: trainer }), to('10.96.0.1', 443, at - second), ...Array.from({ length: 20 }, (_, index) => names(index)),
    ...loads(trainer, at, [['/srv/models/resnet-0000.params', identity({ inode: '1' })]]), to('10.96.0.1', 443, at + 5 * second),
    ...Array.from({ length: 16 }, (_, index) => to(`10.244.1.${index + 10}`, 9_091, at + 6 * second + index * 100)),
    ...Array.from({ length: 100 }, (_, index) => to('10.244.9.9', 4_317, at + 15 * index * second)),
    ...epochs.flatMap((path, index) => [
      ...saved(path, at + (60 + index * 60) * second, 70 + index, trainer),
      fileOpened({ at: at + (70 + index * 60) * second, collector: 'files', place: { path }, file: state(70 + index), by: trainer }),
      networkTransferred({ at: at + (75 + index * 60) * second, process: trainer, sentBytes: 40_000_000 }),
    ]),
  ];
}

/** A notebook that asks its machine what Python and builders ask, opens ports on loopback, and fetches a model and data. */
function notebook(): Event[] {
  const kernel = process({ pid: 7_000, startTicks: 70_000, executable: python, argv: ['python3', '-m', 'ipykernel_launcher', '-f', 'k.json'], cwd: '/home/u', uid: 1_000 });
  const at = noon + 1_200 * second;
  const probes: readonly (readonly [path: string, argv: readonly string[]])[] = [
    ['/usr/bin/dash', ['/bin/sh', '/sbin/ldconfig', '-p']], ['/usr/sbin/ldconfig.real', ['/sbin/ldconfig.real', '-p']], ['/usr/bin/uname', ['uname', '-rs']],
    ['/usr/bin/gcc', ['gcc', '--version']], ['/usr/bin/dash', ['/bin/sh', '/usr/bin/which', 'nvcc']], ['/usr/bin/nvidia-smi', ['nvidia-smi', '-L']],
  ];
  const zooHosts = Array.from({ length: 30 }, (_, index) => networkConnected({ at: at + 10 * second + index * 700 * (1 + index % 5), process: kernel, tree: kernel, address: `52.218.${index}.9`, port: 443 }));
  return [
    mxnetMapped({ at, process: kernel }),
    ...[0, 1, 2, 3, 4].map(index => networkConnected({ at: at + index, process: kernel, tree: kernel, direction: 'listen', address: '127.0.0.1', port: 40_000 + index })),
    ...loads(kernel, at + 2 * second, [['/home/u/.mxnet/models/mobilenet-0000.params', state(0)]], { uid: 1_000, mode: 0o644, openFolder: null }),
    ...[-1, 1].flatMap(side => probes.map(([path, argv], index) => child(kernel, 7_100 + index, at + 3 * second + side * 2_500 + index, path, argv))),
    ...zooHosts,
  ];
}

/** A deployer brings a new version of what is being served; one worker is told to load it. */
function deployment(): Event[] {
  const rsync = process({ pid: 5_000, startTicks: 50_000, executable: { path: '/usr/bin/rsync', file: null }, argv: ['rsync', '--server'], uid: 1_500 });
  const worker = process({ pid: 3_001, startTicks: 30_100, executable: python, argv: ['python3', '/usr/bin/gunicorn', 'app:app'], uid: 33 });
  const path = '/srv/models/resnet-0000.params';
  const at = noon + 1_800 * second;
  return [
    fileChanged({ at, place: { path }, change: 'renamed', from: { path: '/srv/models/.resnet-0000.params.Xy12' }, file: state(99), access: { uid: 1_500, gid: 1_500, mode: 0o644 }, by: rsync }),
    artifactInspected({ at: at + 3 * second, place: { path }, file: state(99), sha256: 'f'.repeat(64) }),
    ...loads(worker, at + 60 * second, [['/srv/models/resnet-symbol.json', identity({ inode: '0' })], [path, state(99)]], { uid: 1_500, mode: 0o644, openFolder: null }),
  ];
}
