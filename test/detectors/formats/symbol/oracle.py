"""What real MXNet makes of symbol files: one child process for each, limited in memory and time.

stdin: one path a line. stdout: one JSON line each: {"outcome": "loads" | "refused" | "crash" | "exhausted", "why": text}.
A file that loads is also asked for its types, as every bind does: an output number past a vector shows only there.
"""
import json, os, resource, signal, sys
import mxnet as mx

MEMORY = 3 << 30


def attempt(path):
    try:
        symbol = mx.sym.load(path)
    except UnicodeDecodeError:
        return 'refused', 'the message of the error is no UTF-8'
    except MemoryError:
        return 'exhausted', 'memory'
    except Exception as error:
        text = str(error)
        return ('exhausted' if 'bad_alloc' in text else 'refused'), text.split('\n')[0][-200:]
    try:
        symbol.list_arguments(); symbol.list_outputs(); symbol.infer_type_partial()
        return 'loads', ''
    except Exception as error:
        return 'loads', 'then: ' + str(error).split('\n')[0][-120:]


def ask(path):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
        os.write(writing, json.dumps(attempt(path)).encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, 'rb') as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if not said:
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
        return {'outcome': 'exhausted' if killed else 'crash', 'why': f'status {status}'}
    outcome, why = json.loads(said)
    return {'outcome': outcome, 'why': why}


if __name__ == '__main__':
    for line in sys.stdin:
        print(json.dumps(ask(line.rstrip('\n'))), flush=True)
