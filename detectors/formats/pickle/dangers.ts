import type { GlobalName } from './names.ts';

/** What a known name does when it is called: only wording. Whatever is not allowed is denied, known or not. */
const modules: readonly (readonly [RegExp, string])[] = [
  [/^(os|posix|nt|posixpath|ntpath)$/, 'reaches the operating system: commands, files, environment'],
  [/^(subprocess|_posixsubprocess|pty|popen2|pexpect|sh)$/, 'starts programs'],
  [/^(importlib|imp|runpy|zipimport|pkgutil|pkg_resources|_frozen_importlib|_frozen_importlib_external|site|sitecustomize)(\.|$)/, 'imports or runs other code'],
  [/^(pickle|_pickle|dill|cloudpickle|joblib|marshal|shelve|jsonpickle|pandas|torch)(\.|$)/, 'unpickles or loads further code'],
  [/^(operator|_operator|functools|_functools|itertools)$/, 'builds calls of other functions'],
  [/^(types|inspect|gc|sys|weakref|code|codeop|ast|dis|bdb|pdb|trace|timeit|profile|cProfile|doctest|pydoc|linecache)$/, 'makes, finds or runs code'],
  [/^(ctypes|_ctypes|cffi|mmap|cython|numpy\.(ctypeslib|f2py|distutils|testing)|mxnet\.(library|rtc|operator|libinfo|base|contrib))(\.|$)/, 'loads or compiles native code'],
  [/^(socket|_socket|ssl|http|urllib|ftplib|smtplib|poplib|telnetlib|xmlrpc|requests|httpx|aiohttp|paramiko|asyncore|socketserver|webbrowser)(\.|$)/, 'opens network connections'],
  [/^(shutil|tempfile|pathlib|io|_io|fileinput|glob|codecs|zipfile|tarfile)$/, 'reads or writes files'],
  [/^(threading|_thread|multiprocessing|asyncio|concurrent|signal|sched|atexit)(\.|$)/, 'starts or schedules work'],
  [/^(pip|setuptools|distutils|ensurepip|venv)(\.|$)/, 'installs packages'],
  [/^(platform|commands|logging\.config|test\.support)$/, 'can run commands'],
];
const builtinNames = /^(eval|exec|execfile|compile|__import__|getattr|setattr|delattr|hasattr|open|file|input|raw_input|globals|locals|vars|dir|breakpoint|help|map|filter|apply|type|super|memoryview|print|exit|quit)$/;

/** Null for a name that is not known as dangerous. */
export function dangerOf({ module, name }: GlobalName): string | null {
  if (module === 'builtins' || module === '__builtin__') return builtinNames.test(name.split('.', 1)[0] ?? '') ? 'runs or finds code' : null;
  if (/^(os|sys|subprocess|builtins|pickle|ctypes|importlib|io)$/.test(name)) return 'is a module that another module holds';
  const known = modules.find(([pattern]) => pattern.test(module))?.[1];
  return known ?? (/(^|\.)__|\.(os|sys|subprocess|builtins|pickle|ctypes)(\.|$)|(^|\.)(system|popen|exec[lv]p?e?|spawn\w*)$/.test(name) ? 'reaches other code through an attribute' : null);
}
