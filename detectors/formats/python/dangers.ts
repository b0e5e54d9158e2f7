import { traits, type Value } from './values.ts';

/** What a function does that a model's code has little reason to do. */
export type Danger =
  | 'process' | 'network' | 'client' | 'evaluate' | 'run-file' | 'dynamic-import' | 'native' | 'library' | 'custom-operator' | 'unpickle' | 'code-object'
  | 'open' | 'write' | 'copy' | 'delete' | 'delete-tree' | 'descriptor' | 'terminal' | 'introspection';

const named = (danger: Danger, module: string, names: string): (readonly [string, Danger])[] => names.split(' ').map(name => [module === '' ? name : `${module}.${name}`, danger] as const);

/** Functions of the standard library and of packages that serve models, by full path. */
const exact: ReadonlyMap<string, Danger> = new Map([
  ...named('process', 'os', 'system popen popen2 popen3 popen4 execl execle execlp execlpe execv execve execvp execvpe spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe posix_spawn posix_spawnp startfile fork forkpty'),
  ...named('process', 'subprocess', 'call check_call check_output run Popen getoutput getstatusoutput'),
  ...named('process', 'commands', 'getoutput getstatusoutput'), ...named('process', 'popen2', 'popen2 popen3 popen4 Popen3 Popen4'),
  ...named('process', 'asyncio', 'create_subprocess_exec create_subprocess_shell'), ...named('process', '_posixsubprocess', 'fork_exec'),
  ...named('process', '', 'platform.popen pexpect.spawn pexpect.run pexpect.spawnu plumbum.local distutils.spawn.spawn setuptools._distutils.spawn.spawn invoke.run fabric.Connection().run get_ipython().system get_ipython().getoutput numpy.distutils.exec_command.exec_command pip.main pip._internal.main pip._internal.cli.main.main'),
  ...named('terminal', 'pty', 'spawn fork openpty'),
  ...named('descriptor', 'os', 'dup2'),
  ...named('evaluate', 'builtins', 'exec eval execfile'), ...named('evaluate', 'code', 'interact InteractiveInterpreter().runsource InteractiveInterpreter().runcode InteractiveConsole().push InteractiveConsole().interact'),
  ...named('evaluate', '', 'timeit.timeit timeit.repeat cProfile.run cProfile.runctx profile.run profile.runctx pdb.run pdb.runeval bdb.Bdb().run trace.Trace().run get_ipython().run_cell get_ipython().run_line_magic get_ipython().run_cell_magic get_ipython().ex get_ipython().ev'),
  ...named('run-file', '', 'runpy.run_path runpy.run_module imp.load_source imp.load_compiled imp.load_dynamic importlib.machinery.SourceFileLoader importlib.machinery.SourcelessFileLoader importlib.machinery.ExtensionFileLoader importlib.util.spec_from_file_location importlib.util.module_from_spec zipimport.zipimporter pkgutil.ImpImporter site.addsitedir'),
  ...named('dynamic-import', '', 'builtins.__import__ importlib.import_module importlib.__import__ pydoc.locate pkgutil.resolve_name'),
  ...named('native', 'ctypes', 'CDLL PyDLL WinDLL OleDLL LibraryLoader().LoadLibrary cdll.LoadLibrary pydll.LoadLibrary windll.LoadLibrary pythonapi.PyRun_SimpleString CFUNCTYPE().from_address'),
  ...named('native', '', '_ctypes.dlopen cffi.FFI().dlopen cffi.FFI().verify numpy.ctypeslib.load_library torch.ops.load_library tensorflow.load_op_library'),
  ...named('library', 'mxnet', 'library.load base._load_lib rtc.CudaModule'),
  ...named('custom-operator', 'mxnet', 'operator.register'),
  ...named('unpickle', '', 'pickle.load pickle.loads pickle.Unpickler _pickle.load _pickle.loads cPickle.load cPickle.loads dill.load dill.loads dill.load_session cloudpickle.load cloudpickle.loads joblib.load torch.load pandas.read_pickle shelve.open jsonpickle.decode yaml.load yaml.unsafe_load yaml.full_load yaml.load_all sklearn.externals.joblib.load'),
  ...named('code-object', '', 'marshal.load marshal.loads types.CodeType types.FunctionType types.LambdaType'),
  ...named('open', '', 'builtins.open io.open codecs.open os.open gzip.open pathlib.Path().open io.FileIO'),
  ...named('write', 'pathlib.Path()', 'write_text write_bytes symlink_to hardlink_to touch'), ...named('write', 'os', 'symlink link'),
  ...named('copy', 'shutil', 'copy copy2 copyfile move copytree'), ...named('copy', 'os', 'rename replace'), ...named('copy', 'pathlib.Path()', 'rename replace'),
  ...named('delete-tree', '', 'shutil.rmtree os.removedirs distutils.dir_util.remove_tree'),
  ...named('delete', '', 'os.remove os.unlink os.rmdir os.truncate pathlib.Path().unlink pathlib.Path().rmdir'),
  ...named('network', 'socket', 'socket create_connection create_server'),
  ...named('network', 'requests', 'get post put delete head patch request options'),
  ...named('network', 'urllib', 'request.urlopen request.urlretrieve request.URLopener request.FancyURLopener urlopen urlretrieve request.build_opener().open'), ...named('network', 'urllib2', 'urlopen'),
  ...named('network', '', 'ftplib.FTP ftplib.FTP_TLS smtplib.SMTP smtplib.SMTP_SSL telnetlib.Telnet poplib.POP3 imaplib.IMAP4 nntplib.NNTP xmlrpc.client.ServerProxy xmlrpclib.ServerProxy wget.download asyncio.open_connection asyncio.start_server socketserver.TCPServer socketserver.UDPServer http.server.HTTPServer dns.resolver.resolve dns.resolver.query websocket.create_connection websockets.connect webbrowser.open aiohttp.request pycurl.Curl socket.gethostbyname socket.getaddrinfo multiprocessing.connection.Client multiprocessing.connection.Listener paramiko.SSHClient().connect paramiko.Transport'),
  ...named('network', 'httpx', 'get post put delete head patch request stream'),
  ...named('client', '', 'requests.Session requests.session urllib3.PoolManager http.client.HTTPConnection http.client.HTTPSConnection httplib.HTTPConnection httplib.HTTPSConnection paramiko.SSHClient aiohttp.ClientSession httpx.Client httpx.AsyncClient boto3.client boto3.resource boto3.Session'),
]);
/** Methods of objects that reach the network. */
const calls = /^(?:(?:requests\.[Ss]ession|urllib3\.PoolManager|http\.client\.HTTPS?Connection|httplib\.HTTPS?Connection|aiohttp\.ClientSession|httpx\.(?:Async)?Client)\(\)\.(?:get|post|put|delete|head|patch|request|urlopen|send|connect)|socket\.socket\(\)\.(?:connect|connect_ex|bind|sendto))$/;

/** Of the C library, by ctypes. */
const libc = /^ctypes\.(?:CDLL|PyDLL|cdll\.LoadLibrary)\(\)\.(?:system|popen|exec[lv]\w*|posix_spawnp?|fork)$/;

const builtinNames = new Set(('exec eval compile execfile __import__ open getattr setattr delattr globals vars locals chr unichr ord len int str repr format bytes bytearray list tuple set frozenset dict sorted reversed iter map filter zip range type object '
  + 'isinstance issubclass hasattr callable print input id hash super property staticmethod classmethod sum min max any all enumerate next abs float bool complex memoryview breakpoint help dir').split(' '));
export const isBuiltin = (name: string): boolean => builtinNames.has(name);
const modules = new Set([...exact.keys()].map(path => path.split('.')[0] ?? '').concat(['sys', 'base64', 'zlib', 'binascii', 'get_ipython']));
export const isKnownModule = (name: string): boolean => modules.has(name);
const aliases: readonly (readonly [RegExp, string])[] = [
  [/^(?:__builtin__|__builtins__|builtins\.__dict__|six\.moves\.builtins|future\.builtins)\./, 'builtins.'], [/^(?:posix|nt|os\.posix)\./, 'os.'], [/^(?:_socket|socket\._socket)\./, 'socket.'],
  [/^six\.moves\./, ''], [/^(?:mx|mxnet\.mx)\./, 'mxnet.'], [/^_io\./, 'io.'], [/^operator\.(?=register\b)/, 'mxnet.operator.'],
];

/** One way to write a path that Python can write in several, through modules that hold others as well. */
export function canonical(path: string): string {
  let plain = path.replace(/(?:\.__call__)+$/, '');
  for (const [pattern, standard] of aliases) plain = plain.replace(pattern, standard);
  if (exact.has(plain)) return plain;
  const parts = plain.split('.');
  for (let at = 1; at < parts.length - 1; at++) {
    if (!modules.has(parts[at] ?? '')) continue;
    const rest = parts.slice(at).join('.');
    if (exact.has(rest)) return rest;
  }
  return plain;
}

export function dangerOf(path: string): Danger | null {
  const plain = canonical(path);
  const found = exact.get(plain) ?? (calls.test(plain) ? 'network' : libc.test(plain) ? 'process' : null);
  if (found) return found;
  if (/(?:^|\.)(?:__subclasses__|__globals__|__code__|f_globals|f_builtins|gi_frame|cr_frame)$/.test(plain)) return 'introspection';
  return null;
}

/** Of environment variables that hold a secret by their name. */
export const isSecretName = (name: string): boolean => /SECRET|TOKEN|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY/i.test(name);
/** Files that hold a secret. */
export const isSecretFile = (path: string): boolean => /(?:\.aws\/credentials|\.ssh\/(?:id_\w+|identity)|\/etc\/shadow|\/etc\/gshadow|\.netrc|\.pypirc|\.git-credentials|\.docker\/config\.json|\.kube\/config|\/run\/secrets\/|serviceaccount\/token|\/proc\/(?:self|\d+)\/environ|\.config\/gcloud|\.azure\/|wallet\.dat|Login Data)/i.test(path);

/** All variables of the process at once. */
export const isEnvironment = (path: string): boolean => /^os\.environb?$/.test(canonical(path));

/** What the result of a call carries along. */
export function traitsOfCall(path: string, first: Value | undefined): number {
  const plain = canonical(path);
  if (first?.kind === 'path' && isEnvironment(first.path)) return traits.secret;
  if (dangerOf(plain) === 'network') return traits.fetched;
  if (/^os\.(?:getenv|environ\.get|environ\.pop)$/.test(plain)) return first?.kind === 'text' && isSecretName(first.text) ? traits.secret : 0;
  if (/^os\.environ(?:b)?\.(?:copy|items|values)$/.test(plain)) return traits.secret;
  if (dangerOf(plain) === 'open' && first?.kind === 'text' && isSecretFile(first.text)) return traits.secret;
  if (/^pathlib\.Path\(\)\.(?:read_text|read_bytes)$/.test(plain) && first?.kind === 'text' && isSecretFile(first.text)) return traits.secret;
  return 0;
}

/** Places from which something is run later without being asked. */
export const isStartPlace = (path: string): boolean => /(?:^|\/)\.(?:bashrc|bash_profile|bash_login|profile|zshrc|zprofile|zshenv|kshrc|inputrc|vimrc)$|\.config\/(?:autostart|fish|systemd)\/|\/etc\/(?:cron|profile|rc\.|init\.d|systemd|ld\.so\.preload|sudoers|passwd|shadow|pam\.d|bash\.bashrc|environment)|\/var\/spool\/cron|\.ssh\/(?:authorized_keys|rc|config|environment)|(?:^|\/)(?:sitecustomize|usercustomize)\.py|(?:site|dist)-packages\/[^/]*$|\.pth$|\/\.git\/hooks\/|(?:^|\/)\.ipython\/profile_\w+\/startup\//.test(path);
/** What nobody deletes who wants to go on. */
export const isRootPlace = (path: string): boolean => /^(?:\/|~\/?|\/\*|\/(?:bin|boot|dev|etc|home|lib|lib64|opt|proc|root|sbin|srv|sys|usr|var)(?:\/[\w.*-]*)?\/?|\$HOME\/?|\.\.(?:\/\.\.)*\/?)$/.test(path);
