import { quoted } from '../quote.ts';
import type { Voice } from './voice.ts';
import { standardModules } from './python-modules.ts';

/** What the worker of Multi Model Server does with a handler (mms/model_loader.py): the import and the call, before any request. */
export interface Handler { readonly module: string; readonly called: string }

/** Default handlers of TorchServe, which has the same archives, and the server's own package. */
const served = /^(?:mms(?:\.\w+)*|image_classifier|image_segmenter|object_detector|text_classifier)$/;
/** Those of the interpreter itself, and those that only Python 2 has. */
const builtIn: ReadonlySet<string> = new Set([
  'builtins', 'errno', 'faulthandler', 'gc', 'itertools', 'marshal', 'nt', 'posix', 'signal', 'sys', 'time', '_ctypes', '_io', '_pickle', '_posixsubprocess', '_socket', '_thread',
  '__builtin__', '__main__', 'cPickle', 'commands', 'httplib', 'popen2', 'urllib2', 'this', 'antigravity', 'ensurepip', 'venv', 'idlelib', 'lib2to3',
]);
const dotted = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/** Divides at the first colon, drops `.py` and every folder. */
export function parseHandler(text: string): Handler {
  const colon = text.indexOf(':');
  const [path, called] = colon < 0 ? [text, 'handle'] : [text.slice(0, colon), text.slice(colon + 1)];
  const module = path.replace(/\.py$/, '');
  return { module: module.slice(module.lastIndexOf('/') + 1), called };
}

/** `has` says whether the archive has a module of that name where the worker looks for it. */
export function judgeHandler(text: string, member: string, has: (module: string) => boolean, { say }: Voice) {
  const { module, called } = parseHandler(text);
  const where = { member };
  const runs = ['AML.T0011.000', 'T1059.006'];
  const top = module.split('.')[0] ?? '';
  if (/(?:^|[\\/])\.\.(?:$|[\\/])|^[\\/]/.test(text)) say('mar.handler-path', 'high', `The handler ${quoted(text)} leads out of the archive`, where, runs);
  else if (/[\\/]/.test(text)) say('mar.handler-path', 'medium', `The handler ${quoted(text)} is a path, of which only the last part is imported`, where, runs);
  if (!dotted.test(module) || !/^[A-Za-z_]\w*$/.test(called)) {
    say('mar.handler-odd', 'medium', `The handler ${quoted(text)} names no module and function`, where, runs);
  } else if (has(module)) {
    say('mar.handler', 'info', `Loading the model imports ${quoted(module)} of the archive and calls ${quoted(called)}`, where, ['T1059.006']);
  } else if ((standardModules.has(top) || builtIn.has(top))) {
    say('mar.handler-standard', 'critical', `Loading the model calls ${quoted(called)} of Python's own module ${quoted(module)}`, where, runs);
  } else {
    say('mar.handler-missing', served.test(module) ? 'low' : 'medium', `Loading the model imports ${quoted(module)}, which is not in the archive: whatever the host has by that name is called`, where, runs);
  }
}

/** The older form executes a file of the archive. */
export function judgeService(text: string, member: string, has: (path: string) => boolean, { say }: Voice) {
  const where = { member };
  const runs = ['AML.T0011.000', 'T1059.006'];
  const path = text.endsWith('.py') ? text : `${text}.py`;
  if (/(?:^|[\\/])\.\.(?:$|[\\/])|^[\\/]/.test(path)) say('mar.handler-path', 'high', `The service file ${quoted(text)} leads out of the archive`, where, runs);
  else if (has(path)) say('mar.handler', 'info', `Loading the model executes ${quoted(path)} of the archive`, where, ['T1059.006']);
  else say('mar.handler-missing', 'medium', `The service file ${quoted(text)} is not in the archive`, where, runs);
}
