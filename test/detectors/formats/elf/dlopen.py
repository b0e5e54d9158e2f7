"""Loads each library named on a line of stdin in a child of its own; answers with how that ended, as JSON, in one line each."""
import ctypes, json, os, resource, sys

def child(path, out):
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        ctypes.CDLL(path, mode=os.RTLD_NOW)
        os.write(out, b'loaded')
    except BaseException as error:
        os.write(out, ('refused ' + str(error)[-200:]).encode('ascii', 'replace'))
    os._exit(0)

for line in sys.stdin:
    receiver, sender = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(receiver)
        child(json.loads(line), sender)
    os.close(sender)
    text = b''
    while piece := os.read(receiver, 4096):
        text += piece
    os.close(receiver)
    status = os.waitpid(pid, 0)[1]
    print(json.dumps(f'ended by signal {status & 127}' if status & 127 else text.decode('ascii', 'replace')), flush=True)
