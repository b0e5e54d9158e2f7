import test from 'ava';
import type { Event } from '../../agent/contract/event.ts';
import type { Process } from '../../agent/contract/process.ts';
import {
  credentialsChanged, fileAccessed, fileChanged, kernelUsed, memoryProtected, mxnetCalled, mxnetMapped, noon, pathArgument, process, processExecuted, processTraced, ref,
} from '../builders.ts';
import { benignDay } from './day.ts';
import { findingsOf } from './feed.ts';

const second = 1_000;
const of = (pid: number, argv: readonly string[], change: Partial<Process> = {}) => process({ pid, startTicks: pid * 10, argv, executable: { path: '/usr/bin/python3.11', file: null }, ...change });
const who = (by: Process) => ({ process: by, tree: { pid: by.pid, startTicks: by.startTicks } });
const numbered = (events: readonly Event[], from: string): Event[] => events.map((event, index) => ({ ...event, id: `${from}${index}` }));

/** What strace showed of MXNet 1.9.1 (x86_64): closures of ctypes at import and by custom operators, kernels at first inference. */
function codeOfMxnet(by: Process, at: number): Event[] {
  const page = { change: 'mapped', backing: 'anonymous', writable: true, wasWritable: null, bytes: 4_096 } as const;
  const kernels = [20_480, 65_536, 100_000, 262_144, 327_680].flatMap(bytes => Array.from({ length: 20 }, () => bytes));
  return [
    memoryProtected({ at: at - second, ...who(by), ...page }),
    ...Array.from({ length: 10 }, (_, index) => memoryProtected({ at: at + index, ...who(by), ...page })),
    ...kernels.map((bytes, index) => memoryProtected({ at: at + 100 + index, ...who(by), change: 'protected', backing: 'anonymous', writable: true, wasWritable: true, bytes })),
  ];
}

/** A server that becomes less at its start, reads its secrets, and asks for its token each minute after the load. */
function server(): Event[] {
  const by = of(6_000, ['python3', 'serve.py'], { uid: 33 });
  const at = noon + 100 * second;
  const token = { path: '/var/run/secrets/kubernetes.io/serviceaccount/token' };
  return [
    mxnetMapped({ at, process: by }),
    credentialsChanged({ at: at + 10, ...who(by), uid: { before: 0, after: 33 }, gained: [], dropped: ['CAP_SYS_ADMIN', 'CAP_CHOWN'] }),
    fileAccessed({ at: at + 20, by, place: { path: '/var/www/.aws/credentials' } }),
    fileAccessed({ at: at + 30, by, place: token }),
    mxnetCalled({ at: at + second, process: by }),
    ...codeOfMxnet(by, at + 2 * second),
    ...Array.from({ length: 30 }, (_, minute) => fileAccessed({ at: at + minute * 60 * second + 3 * second, by, place: token })),
    fileAccessed({ at: at + 5 * second, by, place: { path: '/var/www/.aws/credentials' } }),
  ];
}

/** A server of forty models, each opened and then loaded. */
function manyModels(): Event[] {
  const by = of(7_000, ['python3', 'zoo.py'], { uid: 34 });
  const at = noon + 200 * second;
  return [mxnetMapped({ at, process: by }), ...Array.from({ length: 40 }, (_, index) => index).flatMap(index => {
    const place = { path: `/srv/zoo/m${index}-0000.params` };
    const when = at + second + index * 200;
    return [fileAccessed({ at: when, what: 'model', by, place }), mxnetCalled({ at: when + 10, process: by, argument: pathArgument({ place }) })];
  })];
}

/** A notebook beside it: pip installs a package with a start-up file, and the model zoo asks .netrc at its download. */
function notebook(): Event[] {
  const by = of(8_000, ['python3', '-m', 'ipykernel_launcher'], { uid: 1_000 });
  const pip = of(8_001, ['python3', '-m', 'pip', 'install', 'x'], { uid: 1_000, ancestors: [{ ...ref({ pid: 8_000, startTicks: 80_000 }), path: '/usr/bin/python3.11' }] });
  const at = noon + 300 * second;
  return [
    mxnetMapped({ at, process: by }), mxnetCalled({ at: at + second, process: by }),
    fileAccessed({ at: at + 2 * second, by, place: { path: '/home/u/.netrc' } }),
    processExecuted({ at: at + 3 * second, process: pip, parent: by, tree: by }),
    fileChanged({ at: at + 4 * second, change: 'created', by: pip, place: { path: '/home/u/.local/lib/python3.11/site-packages/distutils-precedence.pth' } }),
    fileChanged({ at: at + 5 * second, change: 'created', by: pip, place: { path: '/home/u/.local/bin/tool' } }),
  ];
}

test('a day on which sensors see all that MXNet, its servers and notebooks do by themselves has nothing above low', t => {
  const events = [...benignDay(), ...numbered(server(), 's'), ...numbered(manyModels(), 'z'), ...numbered(notebook(), 'n')].sort((a, b) => a.at - b.at);
  const findings = findingsOf(events);
  t.deepEqual(findings.filter(({ severity }) => severity !== 'low' && severity !== 'info').map(({ summary }) => summary), []);
  const own = findings.filter(({ rule }) => /^(memory|secret|privilege|kernel|collection|persistence|escape|tampering)\./.test(rule)).map(({ rule }) => rule);
  t.deepEqual(own.toSorted(), ['persistence.python-start', 'secret.cloud-credentials', 'secret.tool-token'].toSorted());
});

test('of a payload that does it all, each deed is told with its load', t => {
  const events = numbered([
    mxnetMapped({ at: noon - second }), mxnetCalled({ at: noon }),
    memoryProtected({ at: noon + 100, writable: false }), kernelUsed({ at: noon + 200, interface: 'memfd', detail: 'x' }), fileAccessed({ at: noon + 300, place: { path: '/home/u/.ssh/id_rsa' } }),
    processTraced({ at: noon + 400, means: 'write' }), credentialsChanged({ at: noon + 500 }), kernelUsed({ at: noon + 600, interface: 'bpf', detail: '' }),
    kernelUsed({ at: noon + 700, interface: 'namespace', detail: 'mount' }), fileChanged({ at: noon + 800, by: process(), place: { path: '/home/u/.bashrc' } }),
  ], 'p');
  const findings = findingsOf(events).filter(({ detector }) => detector !== 'load');
  t.deepEqual(findings.map(({ rule, severity }) => `${rule} ${severity}`), [
    'memory.flipped medium', 'memory.memory-file low', 'secret.ssh-key high', 'tampering.memory-written high', 'privilege.root critical', 'kernel.bpf high', 'escape.namespace high',
    'persistence.shell-start high',
  ]);
  t.true(findings.every(({ because }) => because.includes('p1')));
});
