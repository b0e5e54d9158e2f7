/**
 * Top-level modules of CPython 3.11's standard library (sys.stdlib_module_names) that a file earlier on the path replaces.
 * Left out: those compiled into the interpreter, which come first anyway, and those that no server imports.
 */
export const standardModules: ReadonlySet<string> = new Set((
  'abc argparse array ast asynchat asyncio asyncore base64 bdb binascii bisect bz2 cProfile calendar cgi cmath cmd code ' +
  'codecs codeop collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg crypt csv ' +
  'ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest email encodings enum fcntl filecmp ' +
  'fileinput fnmatch fractions ftplib functools getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http ' +
  'imaplib imp importlib inspect io ipaddress json keyword linecache locale logging lzma mailbox math mimetypes mmap ' +
  'modulefinder multiprocessing netrc nntplib numbers opcode operator optparse os pathlib pdb pickle pickletools pipes ' +
  'pkgutil platform plistlib poplib posixpath pprint profile pstats pty py_compile pyclbr pydoc pyexpat queue quopri random ' +
  're readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtpd ' +
  'smtplib socket socketserver sqlite3 ssl stat statistics string stringprep struct subprocess symtable sysconfig syslog ' +
  'tarfile telnetlib tempfile termios textwrap threading timeit token tokenize tomllib trace traceback tracemalloc tty ' +
  'types typing unicodedata unittest urllib uuid warnings wave weakref webbrowser wsgiref xml xmlrpc zipapp zipfile ' +
  'zipimport zlib zoneinfo'
).split(' '));

/** What servers of MXNet models, their workers and the usual handlers import besides. */
const servingModules: ReadonlySet<string> = new Set((
  'mxnet numpy mms sagemaker_inference sagemaker_mxnet_serving_container sagemaker_mxnet_inference_toolkit mxnet_container ' +
  'psutil future past six requests PIL cv2 scipy pandas gluoncv gluonnlp gluonts onnx boto3 botocore yaml google pkg_resources setuptools'
).split(' '));

const module = /^([A-Za-z_]\w*)(?:\/__init__)?(?:\.pyc?|(?:\.[\w-]+)?\.so)$/;
/** The module or package that this file is to a Python that finds its folder on the path; null for what is none at its top. */
export const moduleAt = (path: string): string | null => module.exec(path)?.[1] ?? null;

/** Python imports these by itself whenever it starts with their folder on its path (docs.python.org, "site"). */
export const isStartup = (module: string): boolean => module === 'sitecustomize' || module === 'usercustomize';

/**
 * How grave it is that a file comes before the module of this name, wherever that is imported; null when there is none. People
 * call files by names of the standard library out of carelessness.
 */
export const shadowing = (module: string): 'high' | 'medium' | null => servingModules.has(module) ? 'high' : standardModules.has(module) ? 'medium' : null;
