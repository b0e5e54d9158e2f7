import { authors, calls, type Scenario, type Step } from '../scenario.ts';

const below = (folder: string, file: string): string => `os.path.join(MODELS, '${folder}', '${file}')`;
/**
 * A folder below the model root in which the agent knows a program of the system as the writer. Who writes in the first
 * instant of a folder may stay unknown, so that it is waited for a first file before the second one is written.
 */
const known = (name: string): readonly Step[] => [
  { bystander: `os.makedirs(os.path.join(MODELS, '${name}'))` },
  ...['first.states', 'marker.states'].flatMap(file => [{ bystander: `hand(${below(name, file)}, PICKLE)` }, { said: 'pickle.call', of: `${name}/${file}` }]),
];
const hostile = (name: string, rule: string, file: string, content: string, does: string, ...techniques: readonly string[]): Scenario => ({
  name, rule, techniques, does, seenBy: [calls],
  steps: [{ actor: `write('${file}', ${content}); load(place('${file}'), ends='refused')` }],
});

/** What is loaded, by whom, and who changes it. */
export const modelScenarios: readonly Scenario[] = [
  hostile('hostile-states', 'pickle.call', 'optimizer.states', 'PICKLE', 'asks MXNet for an optimizer state that would print a line if anybody unpickled it; MXNet\'s reader of arrays refuses it', 'AML.T0011.000', 'AML.T0018.002', 'T1059.006'),
  hostile('hostile-symbol', 'symbol.pointer-operator', 'native-symbol.json', 'NATIVE', 'gives a symbol with an operator _Native to MXNet\'s reader of arrays, which refuses it', 'AML.T0011.000', 'AML.T0018.002', 'T1203'),
  hostile('program-as-model', 'kind.executable-content', 'program-0000.params', "open(place('bin/tool'), 'rb').read()", 'gives a program that only sleeps to MXNet\'s reader of arrays, which refuses it', 'AML.T0074', 'AML.T0018.002', 'T1036.008'),
  {
    name: 'load-failed', rule: 'load.failed', techniques: ['AML.T0011.000', 'AML.T0076'], does: 'gives a file of words to MXNet, which refuses it', seenBy: [calls],
    steps: [{ actor: "write('broken-0000.params', 'no model'); load(place('broken-0000.params'), ends='refused')" }],
  },
  {
    name: 'load-unread', rule: 'load.unread-argument', techniques: ['T1562.006', 'AML.T0011.000'], does: 'gives MXNet a name of 9,000 characters', seenBy: [calls],
    steps: [{ actor: "load('/' + 'x' * 9000, ends='refused')" }],
  },
  {
    name: 'load-world-writable', rule: 'load.world-writable', techniques: ['T1222.002', 'AML.T0010.003'], does: 'loads a harmless model whose mode lets every user write', seenBy: [calls],
    steps: [{ actor: "write('open-0000.params', parameters()); os.chmod(place('open-0000.params'), 0o666); load(place('open-0000.params'))" }],
  },
  {
    name: 'load-by-other', rule: 'load.new-loader', techniques: ['AML.T0011.000'], does: 'a child loads the same model as user nobody', needsRoot: true, seenBy: [calls],
    steps: [{ actor: 'fork(lambda: (os.setresuid(NOBODY, NOBODY, NOBODY), load(ends=\'refused\')))' }],
  },
  {
    name: 'load-of-changed', rule: 'load.not-inspected', techniques: ['AML.T0011.000', 'AML.T0010.003'], seenBy: [calls],
    does: 'gives a file to MXNet, lets a bystander put a harmless model in its place, and loads that at once',
    steps: [
      { bystander: "write('changed-0000.params', PICKLE)" }, { actor: "load(place('changed-0000.params'), ends='refused')" }, { said: 'pickle.call', of: 'changed-0000.params' },
      { bystander: "write('changed-0000.params', parameters(2.0))" }, { actor: "load(place('changed-0000.params'))" },
    ],
  },
  {
    name: 'load-of-replaced', rule: 'load.replaced', techniques: ['AML.T0109', 'T1565.001'], seenBy: [calls],
    does: 'gives a file to MXNet, lets a bystander put a harmless model in its place, and loads that',
    steps: [
      { bystander: "write('replaced-0000.params', PICKLE)" }, { actor: "load(place('replaced-0000.params'), ends='refused')" }, { said: 'pickle.call', of: 'replaced-0000.params' },
      { bystander: "write('replaced-0000.params', parameters(3.0))" }, { actor: "load(place('replaced-0000.params'))" },
    ],
  },
  {
    name: 'operator-library', rule: 'library.operator-library', techniques: ['T1129', 'AML.T0010.001'], does: 'asks MXNet to load a library that has no operators and no code that runs by itself', seenBy: [calls],
    steps: [{ actor: "load(place('operators.so'), 'MXLoadLib', ends='refused')" }],
  },
  {
    name: 'library-in-temporary-folder', rule: 'library.unexpected', techniques: ['T1574.006', 'AML.T0010.001'], seenBy: [{ collector: 'processes' }],
    does: 'a bystander\'s child opens a stand-in for libmxnet.so from a temporary folder',
    steps: [{ bystander: "fork(lambda: ctypes.CDLL(place('elsewhere/libmxnet.so')))" }],
  },
  {
    name: 'library-replaced', rule: 'library.replaced', techniques: ['T1554', 'AML.T0010.001'], seenBy: [{ collector: 'processes' }],
    does: 'puts another stand-in for libmxnet.so in the place of one, and a bystander\'s child opens it',
    steps: [
      { bystander: "fork(lambda: ctypes.CDLL(place('replaced/libmxnet.so')))" }, { said: 'library.unexpected', of: 'replaced/libmxnet.so' },
      { bystander: "os.replace(place('replaced/other.so'), place('replaced/libmxnet.so')); fork(lambda: ctypes.CDLL(place('replaced/libmxnet.so')))" },
    ],
  },
  {
    name: 'crash-in-load', rule: 'crash.in-load', techniques: ['AML.T0011.000', 'T1203'], does: 'a child gives MXNet nowhere to put its result, and dies of it', seenBy: [calls],
    steps: [{ actor: 'fork(lambda: (libc.prctl(DUMPABLE, 0, 0, 0, 0), load(outputs=False, ends=\'crashed\')))' }],
  },
  {
    name: 'model-world-writable', rule: 'change.mode', techniques: ['T1222.002'], does: 'makes a model of its own writable for every user, in a folder that none enters', writesModels: true, seenBy: [calls, { collector: 'watch' }],
    steps: [...known('mode'), { actor: `os.chmod(${below('mode', 'marker.states')}, 0o666)` }],
  },
  {
    name: 'unexpected-writer', rule: 'change.unexpected-writer', techniques: ['T1565.001', 'AML.T0018'], does: 'a bystander writes a model where only another program wrote', writesModels: true, seenBy: authors,
    steps: [...known('writer'), { bystander: `write(${below('writer', 'other-0000.params')}, parameters(4.0))` }],
  },
  {
    name: 'changed-while-loaded', rule: 'change.while-loaded', techniques: ['AML.T0109', 'T1565.001'], does: 'a bystander writes a model that the actor has loaded', writesModels: true, seenBy: [calls, { collector: 'watch' }],
    steps: [
      ...known('held'), { bystander: `write(${below('held', 'held-0000.params')}, parameters(5.0)); os.chmod(${below('held', 'held-0000.params')}, 0o666)` }, { said: 'change.unexpected-writer', of: 'held/held-0000.params' },
      // That every user may write to it is said of the load: until then the agent may still look at what was loaded.
      { actor: `load(${below('held', 'held-0000.params')})` }, { said: 'load.world-writable', of: 'held/held-0000.params' },
      { bystander: `write(${below('held', 'held-0000.params')}, parameters(6.0))` },
    ],
  },
  {
    name: 'changed-by-loader', rule: 'change.by-loader', techniques: ['T1565.001', 'AML.T0018', 'AML.T0109'], does: 'writes a model where only another program wrote', writesModels: true, seenBy: authors,
    steps: [...known('loader'), { actor: `write(${below('loader', 'new-0000.params')}, parameters(7.0))` }],
  },
  {
    name: 'signature-by-loader', rule: 'change.signature-by-loader', techniques: ['T1553', 'T1565.001', 'AML.T0109'], does: 'writes a signature where only another program wrote', writesModels: true, seenBy: authors,
    steps: [...known('signed'), { actor: `write(${below('signed', 'new-0000.params.sigstore.json')}, '{}')` }],
  },
  {
    name: 'models-sent', rule: 'theft.models-sent', techniques: ['T1005', 'T1041', 'AML.T0035', 'AML.T0048.004'], writesModels: true,
    does: 'opens four models that a bystander wrote, and sends four mebibytes of zeros to itself on loopback', seenBy: [...authors, { collector: 'network', level: 'kernel', facts: ['bytes sent', 'bytes sent and received'] }],
    steps: [
      ...known('stolen'),
      ...['a', 'b', 'c', 'd'].map(name => ({ bystander: `write(${below('stolen', `${name}-0000.params`)}, PICKLE)` })),
      ...['a', 'b', 'c', 'd'].map(name => ({ said: 'pickle.call', of: `stolen/${name}-0000.params` })),
      { actor: `
for name in 'abcd':
    os.close(os.open(os.path.join(MODELS, 'stolen', name + '-0000.params'), os.O_RDONLY))
    time.sleep(0.1)
send(4 << 20)` },
    ],
  },
  {
    name: 'load-outside-roots', rule: 'load.outside-roots', techniques: ['AML.T0010.003'], does: 'loads a harmless model from a temporary folder, and ends', ends: true, seenBy: [calls],
    steps: [{ actor: 'load_model()' }],
  },
];
