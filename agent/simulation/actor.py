"""The process that `mxwarden simulate` acts in. It has MXNet, loads a harmless model before each act, and does as it is
told by lines of JSON on its standard input; each is answered by one line. Without a library it is a bystander: a process
that has nothing to do with MXNet.

    actor.py FOLDER SHARED MODELS [LIBRARY]

SHARED: a folder of ours in /dev/shm. MODELS: one below a model root of the agent, or empty. LIBRARY: a stand-in for
libmxnet.so, `mxnet` for the package, nothing for a bystander.

It touches nothing but its own children, its own folders, loopback, and network namespaces of its own.
"""
import ctypes
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
PDEATHSIG, DUMPABLE, KEEPCAPS = 1, 4, 8
NEWNS, NEWUTS, NEWNET = 0x00020000, 0x04000000, 0x40000000
NOBODY = 65534
LONGEST_CHILD_S = 20
FOLDER, SHARED, MODELS = sys.argv[1:4]
MODEL = os.path.join(FOLDER, 'demo')


class Cannot(Exception):
    """This host does not let it be acted out; the words say why."""


def checked(result, what):
    if result < 0:
        raise Cannot(f'{what}: {os.strerror(ctypes.get_errno())}')
    return result


def syscall(names, *arguments):
    """By the numbers of this processor: (x86_64, aarch64)."""
    number = names[0] if os.uname().machine == 'x86_64' else names[1]
    return libc.syscall(number, *arguments)


def place(name):
    return os.path.join(FOLDER, name)


def write(name, content):
    """Relative to the folder, or absolute below one of ours."""
    with open(place(name), 'wb') as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def parameters(fill=1.0):
    """One array of 4 × 8 float32 named arg:fc_weight, as mx.nd.save writes it (src/ndarray/ndarray.cc of 1.x)."""
    array = struct.pack('<IiI2q2iI', 0xF993FAC9, 0, 2, 4, 8, 1, 0, 0) + struct.pack('<32f', *[fill] * 32)
    name = b'arg:fc_weight'
    return struct.pack('<3Q', 0x112, 0, 1) + array + struct.pack('<2Q', 1, len(name)) + name


# Only prints, and nobody ever unpickles it.
PICKLE = "cbuiltins\nprint\n(S'mxwarden simulate'\ntR."
SYMBOL = json.dumps({
    'nodes': [{'op': 'null', 'name': 'data', 'inputs': []}, {'op': 'null', 'name': 'fc_weight', 'inputs': []},
              {'op': 'FullyConnected', 'name': 'fc', 'attrs': {'no_bias': 'True', 'num_hidden': '4'}, 'inputs': [[0, 0, 0], [1, 0, 0]]}],
    'arg_nodes': [0, 1], 'node_row_ptr': [0, 1, 2, 3], 'heads': [[2, 0, 0]], 'attrs': {'mxnet_version': ['int', 10901]}})
# Names an operator that calls an address; it is never given to what reads symbols.
NATIVE = SYMBOL.replace('FullyConnected', '_Native').replace('num_hidden', 'info')


def open_library(which):
    if which == 'mxnet':
        try:
            import mxnet
        except Exception as error:  # whatever a broken installation throws
            return None, f'{type(error).__name__}: {error}'
        return mxnet.base._LIB, f'MXNet {mxnet.__version__}'
    return ctypes.CDLL(which), 'a stand-in'


LIBRARY = None
running = []
children = []


def load(path=MODEL + '-0000.params', function='MXNDArrayLoad', outputs=True, ends='well'):
    """The result of MXNet's own function for a file. How a call of the stand-in `ends`: well, refused or crashed."""
    try:
        ctypes.c_long.in_dll(LIBRARY, 'mxwarden_outcome').value = ('well', 'refused', 'crashed').index(ends)
    except ValueError:
        pass  # the real one decides by itself
    name = ctypes.c_char_p(path if isinstance(path, bytes) else path.encode())
    if function == 'MXLoadLib':
        return LIBRARY.MXLoadLib(name, 0)
    if function == 'MXSymbolCreateFromFile':
        return LIBRARY.MXSymbolCreateFromFile(name, ctypes.byref(ctypes.c_void_p()))
    results = [ctypes.c_uint32(), ctypes.c_void_p(), ctypes.c_uint32(), ctypes.c_void_p()]
    return LIBRARY.MXNDArrayLoad(name, *[ctypes.byref(each) if outputs else None for each in results])


def load_model():
    load(MODEL + '-symbol.json', 'MXSymbolCreateFromFile')
    if load() != 0:
        raise Cannot('MXNet refused the harmless model')


def start(words, executable, **more):
    """Goes on until the next act: a sensor has the time that it needs to look at it."""
    streams = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.DEVNULL)
    running.append(subprocess.Popen(words, executable=executable, **{**streams, **more}))


def stop_all():
    while running:
        program = running.pop()
        program.kill()
        program.wait()
    while children:
        end(children.pop())


def run(program, *words, called=None):
    """A program of ours that only sleeps, under this name; with a slash it is a real one."""
    start([called or program, *words], program if program.startswith('/') else place(f'bin/{program}'))


def member(**environment):
    """Another Python, started with this environment, that opens a stand-in for libmxnet.so and sleeps."""
    code = 'import ctypes, sys, time; ctypes.CDLL(sys.argv[1]); time.sleep(float(sys.argv[2]))'
    start([sys.executable, '-c', code, place('elsewhere/libmxnet.so'), str(LONGEST_CHILD_S)], sys.executable, env={**os.environ, **environment})


def hand(path, text):
    """Another program of the system than Python writes it, and stays a moment to be looked at."""
    subprocess.run(['sh', '-c', 'printf %s "$1" > "$2"; sleep 0.5', 'sh', text, path], executable='/bin/sh', timeout=LONGEST_CHILD_S, check=True)


def begin():
    """Every child of ours: it ends with its parent, and is never older than it needs to be."""
    libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.alarm(LONGEST_CHILD_S)


def fork(act):
    """Acts in a child, which stays until the next act. What the child cannot do is raised here."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        why = b'failed'
        try:
            begin()
            settle()
            act()
            settle()
            why = b'done'
        except BaseException as error:
            why = str(error).encode()[:500] or why
        finally:
            os.write(writing, why)
            while True:
                signal.pause()
    children.append(pid)
    os.close(writing)
    why = os.read(reading, 500).decode(errors='replace')  # empty: it ended by what it did
    os.close(reading)
    if why not in ('', 'done'):
        raise Cannot(why)


def settle():
    """What a process does next shows a sensor who it is by then: it starts a child that does nothing."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def sleeper():
    """A child that sleeps until it is killed."""
    pid = os.fork()
    if pid == 0:
        begin()
        while True:
            signal.pause()
    return pid


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def connect(address, port, kind=socket.SOCK_STREAM):
    """An attempt; nobody need answer it."""
    with socket.socket(socket.AF_INET, kind) as peer:
        peer.settimeout(2)
        try:
            peer.connect((address, port))
        except OSError:
            pass


def apart(addresses, act):
    """In a child with a network of its own, that has no way out: all these addresses are its own loopback."""
    def inside():
        checked(libc.unshare(NEWNET), 'a network of its own')
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            def ask(request, name, value):
                fcntl.ioctl(control, request, struct.pack('16s16s', name.encode(), value))
            ask(0x8914, 'lo', struct.pack('<H', 0x41))
            for index, address in enumerate(addresses):
                for request, text in ((0x8916, address), (0x891C, '255.255.255.0')):
                    ask(request, f'lo:{index}', struct.pack('<HH4s8x', socket.AF_INET, 0, socket.inet_aton(text)))
        settle()
        act()
    fork(inside)


def hang(program, *words, address):
    """A program of ours, as `run` has it, on a connection to ourselves that stays open as long as this process."""
    with socket.create_server((address, 0)) as listener:
        near = socket.create_connection(listener.getsockname()).detach()
        listener.accept()[0].detach()
    start([program, *words], place(f'bin/{program}'), stdin=near, stdout=near, stderr=near, preexec_fn=begin)


def register():
    """An operator that nothing names."""
    if 'mxnet' in sys.modules:
        operator = sys.modules['mxnet'].operator
        operator.register('mxwarden_simulate')(type('Nothing', (operator.CustomOpProp,), {}))
    else:
        LIBRARY.MXCustomOpRegister(b'mxwarden_simulate', None)


def send(count):
    """So many zeros to ourselves."""
    def take():
        peer, _ = listener.accept()
        while peer.recv(65536):
            pass
        peer.close()
    with socket.create_server(('127.0.0.1', 0)) as listener:
        taking = threading.Thread(target=take, daemon=True)
        taking.start()
        with socket.create_connection(listener.getsockname()) as peer:
            peer.sendall(bytes(count))
        taking.join(LONGEST_CHILD_S)


def executable_memory(size, protection, flags=0, file=-1):
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    at = libc.mmap(None, size, protection, flags or mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, file, 0)
    if at in (None, ctypes.c_void_p(-1).value):
        raise Cannot(f'memory of that kind: {os.strerror(ctypes.get_errno())}')
    return at


def protect(at, size, protection):
    checked(libc.mprotect(at, size, protection), 'memory made executable')


def attend(reads, answers):
    scope = dict(globals())
    for line in reads:
        told = json.loads(line)
        stop_all()
        try:
            if told.get('load'):
                load_model()
            begun = time.time() * 1000
            exec(told['act'], scope)  # its own text, from its own parent
            answer = {'begun': begun}
        except Exception as error:
            answer = {'cannot': str(error) if isinstance(error, Cannot) else f'{type(error).__name__}: {error}'}
        answers.write(json.dumps(answer) + '\n')
        answers.flush()


def main():
    global LIBRARY
    libc.prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its parent ends it
    answers = os.fdopen(os.dup(1), 'w')
    nothing = os.open('/dev/null', os.O_RDWR)
    os.dup2(nothing, 1)
    about = 'a bystander'
    if len(sys.argv) > 4:
        LIBRARY, about = open_library(sys.argv[4])
        if LIBRARY is None:
            answers.write(json.dumps({'cannot': about}) + '\n')
            answers.flush()
            return
    answers.write(json.dumps({'begun': time.time() * 1000, 'about': about}) + '\n')
    answers.flush()
    attend(sys.stdin, answers)


main()
