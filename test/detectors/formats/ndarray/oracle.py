"""Loads each file named on stdin with real MXNet, each in a forked child with little memory and time.
Says one word a line: ok, refused, memory, time, crash."""
import math, os, resource, signal, sys
import mxnet as mx

# Room for the copies that an honest load makes, on top of what the library has mapped already.
room = 1 << 30

def mapped():
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[0]) * os.sysconf('SC_PAGE_SIZE')

def use(path, np):
    if np:
        mx.util.set_np()
    try:
        arrays = mx.nd.load(path)
    except MemoryError:
        os._exit(3)
    except Exception as error:
        os._exit(3 if 'allocate' in str(error) or 'bad_alloc' in str(error) else 2)
    for array in arrays.values() if isinstance(arrays, dict) else arrays:
        try:
            # Sparse arrays may be larger than any memory: that is what they are for.
            if array.stype != 'default' and math.prod(array.shape) > 10 ** 7:
                continue
            dense = array if array.stype == 'default' else array.tostype('default')
            dense.asnumpy()
        except Exception:
            os._exit(2)
    os._exit(0)

for line in sys.stdin:
    np, path = line.rstrip('\n').split(' ', 1)
    child = os.fork()
    if child == 0:
        quiet = os.open('/dev/null', os.O_WRONLY)
        os.dup2(quiet, 2)
        os.dup2(quiet, 1)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (mapped() + room, mapped() + room))
        signal.alarm(20)
        use(path, np == 'np')
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        word = 'time' if os.WTERMSIG(status) == signal.SIGALRM else 'crash'
    else:
        word = {0: 'ok', 2: 'refused', 3: 'memory'}.get(os.WEXITSTATUS(status), 'crash')
    print(word, flush=True)
