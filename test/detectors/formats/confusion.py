"""Loads each file of a list as MXNet does, each in a forked child with little memory and time, and says what happened.

stdin: one JSON object a line, {"loader": str, "path": str}. stdout: {"outcome", "detail"} a line; outcome is loaded, refused,
crashed, memory, hung or ran code: the code in the file created the canary file of the environment.
"""
import json, math, os, resource, select, signal, sys
import numpy
import mxnet as mx

canary = os.environ['MXWARDEN_CANARY']
# Room for the copies that an honest load makes, on top of what the library has mapped already.
room = 1 << 30
patience = 10

def touch(value, depth=0):
    if isinstance(value, mx.nd.NDArray):
        # Sparse arrays may be larger than any memory: that is what they are for.
        if value.stype == 'default':
            value.asnumpy()
        elif math.prod(value.shape) <= 10 ** 7:
            value.tostype('default').asnumpy()
    elif isinstance(value, dict):
        touch(list(value.values()), depth + 1)
    elif isinstance(value, (tuple, list)) and depth < 4:
        for item in value:
            touch(item, depth + 1)

def arrays(path):
    touch(mx.nd.load(path))

def np_arrays(path):
    mx.util.set_np()
    loaded = mx.nd.load(path)
    for array in loaded.values() if isinstance(loaded, dict) else loaded:
        array.asnumpy()

def symbol(path):
    loaded = mx.sym.load(path)
    try:
        # As every bind asks: an output number past a vector shows only here. An error is one of the graph, not of the file.
        loaded.list_arguments(), loaded.list_outputs(), loaded.infer_type_partial()
    except Exception:
        pass

def states(path):
    updater = mx.optimizer.Updater(mx.optimizer.SGD())
    with open(path, 'rb') as file:
        updater.set_states(file.read())
    touch(updater.states)

def numpy_arrays(path):
    loaded = numpy.load(path, allow_pickle=True)
    if isinstance(loaded, numpy.lib.npyio.NpzFile):
        for name in loaded.files:
            loaded[name]

def records(path):
    reader = mx.recordio.MXRecordIO(path, 'r')
    while reader.read() is not None:
        pass

loaders = {'arrays': arrays, 'np-arrays': np_arrays, 'symbol': symbol, 'states': states, 'numpy': numpy_arrays, 'records': records}

def attempt(load, path):
    mapped = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + room, mapped + room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        load(path)
        return 'loaded', ''
    except MemoryError as error:
        return 'memory', repr(error)[:200]
    except BaseException as error:
        text = str(error)
        return 'memory' if 'bad_alloc' in text or 'allocate' in text else 'refused', f'{type(error).__name__}: {text}'.split('\n')[0][:200]

def judge(loader, path):
    if os.path.exists(canary):
        os.remove(canary)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.write(writing, json.dumps(attempt(loaders[loader], path)).encode())
        os._exit(0)
    os.close(writing)
    hung = not select.select([reading], [], [], patience)[0]
    if hung:
        os.kill(child, signal.SIGKILL)
    said = b'' if hung else os.read(reading, 65536)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    outcome, detail = ('hung', '') if hung else json.loads(said) if said else ('crashed', f'status {status}')
    return {'outcome': 'ran code' if os.path.exists(canary) else outcome, 'detail': detail}

for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(judge(case['loader'], case['path'])), flush=True)
