/**
 * Names that Python 3 replaces when a pickle of a protocol below 3 is read (Lib/_compat_pickle.py). Without `:` a whole
 * module, with it one name. The exceptions are left out: all of them go to `builtins`, and none of that is allowed.
 */
const renamed = new Map<string, string>(`
__builtin__=builtins copy_reg=copyreg Queue=queue SocketServer=socketserver ConfigParser=configparser repr=reprlib
tkFileDialog=tkinter.filedialog tkSimpleDialog=tkinter.simpledialog tkColorChooser=tkinter.colorchooser
tkCommonDialog=tkinter.commondialog Dialog=tkinter.dialog Tkdnd=tkinter.dnd tkFont=tkinter.font tkMessageBox=tkinter.messagebox
ScrolledText=tkinter.scrolledtext Tkconstants=tkinter.constants Tix=tkinter.tix ttk=tkinter.ttk Tkinter=tkinter
markupbase=_markupbase _winreg=winreg thread=_thread dummy_thread=_dummy_thread dbhash=dbm.bsd dumbdbm=dbm.dumb dbm=dbm.ndbm
gdbm=dbm.gnu xmlrpclib=xmlrpc.client SimpleXMLRPCServer=xmlrpc.server httplib=http.client htmlentitydefs=html.entities
HTMLParser=html.parser Cookie=http.cookies cookielib=http.cookiejar BaseHTTPServer=http.server test.test_support=test.support
commands=subprocess urlparse=urllib.parse robotparser=urllib.robotparser urllib2=urllib.request anydbm=dbm _abcoll=collections.abc
cPickle=pickle _elementtree=xml.etree.ElementTree FileDialog=tkinter.filedialog SimpleDialog=tkinter.simpledialog
DocXMLRPCServer=xmlrpc.server SimpleHTTPServer=http.server CGIHTTPServer=http.server UserDict=collections UserList=collections
UserString=collections whichdb=dbm StringIO=io cStringIO=io
__builtin__:xrange=builtins:range __builtin__:reduce=functools:reduce __builtin__:intern=sys:intern __builtin__:unichr=builtins:chr
__builtin__:unicode=builtins:str __builtin__:long=builtins:int __builtin__:basestring=builtins:str itertools:izip=builtins:zip
itertools:imap=builtins:map itertools:ifilter=builtins:filter itertools:ifilterfalse=itertools:filterfalse
itertools:izip_longest=itertools:zip_longest UserDict:IterableUserDict=collections:UserDict _socket:fromfd=socket:fromfd
_multiprocessing:Connection=multiprocessing.connection:Connection multiprocessing.process:Process=multiprocessing.context:Process
multiprocessing.forking:Popen=multiprocessing.popen_fork:Popen urllib:getproxies=urllib.request:getproxies
urllib:pathname2url=urllib.request:pathname2url urllib:quote=urllib.parse:quote urllib:quote_plus=urllib.parse:quote_plus
urllib:unquote=urllib.parse:unquote urllib:unquote_plus=urllib.parse:unquote_plus urllib:url2pathname=urllib.request:url2pathname
urllib:urlcleanup=urllib.request:urlcleanup urllib:urlencode=urllib.parse:urlencode urllib:urlopen=urllib.request:urlopen
urllib:urlretrieve=urllib.request:urlretrieve urllib:ContentTooShortError=urllib.error:ContentTooShortError
urllib2:HTTPError=urllib.error:HTTPError urllib2:URLError=urllib.error:URLError socket:_socketobject=socket:SocketType
`.trim().split(/\s+/).map((line): [string, string] => { const [from = '', to = ''] = line.split('='); return [from, to]; }));

export interface GlobalName { readonly module: string; readonly name: string }

/** What Python 3 imports for a name, by the protocol in force. */
export function mapped({ module, name }: GlobalName, protocol: number): GlobalName {
  if (protocol >= 3) return { module, name };
  const [toModule, toName] = renamed.get(`${module}:${name}`)?.split(':') ?? [];
  if (toModule !== undefined && toName !== undefined) return { module: toModule, name: toName };
  return { module: renamed.get(module) ?? module, name };
}
