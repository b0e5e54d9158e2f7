/**
 * Class paths that a GluonTS document may name. Decoding imports the path with pydoc.locate and, for an instance, calls what
 * it finds: so a path must lead to a class of the library itself and not through a module to something it has imported.
 */

/** Plain values and containers; their constructors do nothing but build them. */
const exact = new Set([
  'bool', 'bytes', 'complex', 'dict', 'float', 'frozenset', 'int', 'list', 'set', 'slice', 'str', 'tuple',
].map(name => `builtins.${name}`).concat([
  'numpy.array', 'numpy.dtype', 'numpy.ndarray', 'numpy.bool_', 'numpy.float_', 'numpy.int_', 'numpy.str_',
  'pandas.tseries.frequencies.to_offset', 'pandas.Timestamp', 'pandas.Period', 'pandas.Timedelta', 'pandas.DateOffset',
  'pandas._libs.tslibs.timestamps.Timestamp', 'pandas._libs.tslibs.period.Period', 'pandas._libs.tslibs.timedeltas.Timedelta',
  'mxnet.Context', 'mxnet.context.Context', 'mxnet.nd.array', 'mxnet.ndarray.array', 'mxnet.ndarray.utils.array', 'mxnet.ndarray.ndarray.NDArray',
  'pathlib.Path', 'pathlib.PosixPath', 'pathlib.PurePath', 'pathlib.PurePosixPath', 'pathlib.WindowsPath', 'pathlib.PureWindowsPath',
]));

const families = [
  /^numpy\.(?:float(?:16|32|64)|u?int(?:8|16|32|64))$/,
  /^pandas\.(?:tseries|_libs\.tslibs)\.offsets\.[A-Z][A-Za-z]*$/,
  // Each module by its name: one more step through an attribute leads to what the module has imported.
  /^mxnet\.(?:gluon(?:\.(?:block|parameter|loss|nn(?:\.(?:basic_layers|conv_layers|activations))?|rnn(?:\.(?:rnn_cell|rnn_layer))?))?|init(?:ializer)?|optimizer(?:\.optimizer)?|lr_scheduler|metric)\.(?!Load$)[A-Z]\w*$/,
];

/** Modules of other packages that those of GluonTS hold as attributes: a path through one of them leads out. */
const foreign = new Set([
  'abc', 'ast', 'asyncio', 'builtins', 'codecs', 'collections', 'concurrent', 'contextlib', 'copy', 'ctypes', 'dataclasses', 'datetime', 'enum', 'functools', 'gc',
  'glob', 'gzip', 'http', 'importlib', 'inspect', 'io', 'itertools', 'json', 'logging', 'marshal', 'math', 'multiprocessing', 'mx', 'mxnet', 'np', 'numpy', 'operator', 'os',
  'pathlib', 'pd', 'pandas', 'pickle', 'pkgutil', 'platform', 'posix', 'pty', 'pydoc', 'queue', 'random', 're', 'requests', 'runpy', 'select', 'shutil', 'signal', 'site',
  'socket', 'ssl', 'subprocess', 'sys', 'tarfile', 'tempfile', 'textwrap', 'threading', 'time', 'timeit', 'toolz', 'torch', 'traceback', 'types', 'typing', 'urllib', 'uuid',
  'warnings', 'webbrowser', 'weakref', 'zipfile', 'ujson', 'orjson', 'pydantic', 'tqdm', 'holidays', 'click', 'flask', 'gunicorn', 'boto3', 's3fs', 'matplotlib', 'plt',
]);

/** Modules of GluonTS itself that have the name of another. */
const own = new Set(['mx', 'torch', 'itertools', 'json', 'pydantic']);
/** Classes that do something when they are made, under whatever module a path finds them. */
const imported = new Set(['CDLL', 'FileHandler', 'FileIO', 'NamedTemporaryFile', 'Popen', 'Process', 'PyDLL', 'TemporaryDirectory', 'Thread', 'Timer', 'ZipFile', 'TarFile', 'Server', 'HTTPServer', 'RForecastPredictor', 'ThreadPool', 'Pool']);

/** Whether the path stays in what a forecasting model is made of. `called`: the document calls it, so it must be a class. */
export function isAllowedClass(path: string, called: boolean): boolean {
  if (exact.has(path) || families.some(family => family.test(path))) return true;
  if (!/^gluonts(?:\.[A-Za-z_]\w{0,99}){1,12}$/.test(path)) return false;
  const [, ...parts] = path.split('.');
  const last = parts.at(-1) ?? '';
  if (parts.some((part, index) => (foreign.has(part) && !(index === 0 && own.has(part))) || part.startsWith('__')) || imported.has(last)) return false;
  // A class inside a class, or a class of a module: everything in front of the first class is a module.
  return called ? /^_?[A-Z]/.test(last) : true;
}
