import { calls, type Scenario } from '../scenario.ts';

const hijack = ['T1574.006', 'AML.T0010.001'] as const;
/** A program that has MXNet from its start is told with what it was started with. */
const started = (name: string, rule: string, environment: string, does: string, ...techniques: readonly string[]): Scenario => ({
  name, rule, techniques, does: `a bystander's child with a stand-in for libmxnet.so ${does}`, seenBy: [{ collector: 'processes' }], steps: [{ bystander: `member(${environment})` }],
});

/** Which native code comes into a process with MXNet, or before it. */
export const libraryScenarios: readonly Scenario[] = [
  {
    name: 'library-late', rule: 'library.late', techniques: ['T1129', 'AML.T0018.002'], does: 'opens a library without functions from a temporary folder', seenBy: [calls, { collector: 'processes' }],
    steps: [{ actor: "ctypes.CDLL(place('plain.so'))" }],
  },
  {
    name: 'operator-registered', rule: 'library.operator-registered', techniques: ['T1129', 'AML.T0018.002'], does: 'registers an operator with MXNet that nothing names', seenBy: [calls],
    steps: [{ actor: 'register()' }],
  },
  started('library-preload', 'library.preload', "LD_PRELOAD=place('plain.so')", 'is started with a library without functions put before it by LD_PRELOAD', ...hijack),
  {
    name: 'library-preload-file', rule: 'library.preload-file', techniques: hijack, needsRoot: true, seenBy: [{ collector: 'processes' }],
    does: 'a bystander\'s child whose root is a folder of its own, with a file /etc/ld.so.preload in it, opens a stand-in for libmxnet.so; it starts no program',
    steps: [{ bystander: `
os.makedirs(place('root/etc'), exist_ok=True)
write('root/etc/ld.so.preload', '/opt/mxwarden-simulate.so')
write('root/libmxnet.so', open(place('elsewhere/libmxnet.so'), 'rb').read())
fork(lambda: (os.chroot(place('root')), os.chdir('/'), ctypes.CDLL('/libmxnet.so')))` }],
  },
  started('library-search-path', 'library.search-path', "LD_LIBRARY_PATH=':'.join(filter(None, [SHARED or FOLDER, os.environ.get('LD_LIBRARY_PATH')]))", 'is started with a folder of ours in LD_LIBRARY_PATH', ...hijack),
  started('server-role', 'library.server-role', "DMLC_ROLE='server'", 'is started with DMLC_ROLE=server, which the stand-in does not read', 'T1059.006', 'AML.T0011.000'),
];
