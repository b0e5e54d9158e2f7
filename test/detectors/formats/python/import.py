"""Imports each source of a list from a file of its own, in a child with little memory and time, and says what happened.

stdin: one JSON object a line, {"name": str, "bytes": base64}. stdout: {"name", "outcome", "ran"} a line; outcome is imported,
refused (the compiler), raised or killed; ran says that the code in the source created the canary file.
Only sources that reach nothing but that file may be given.
"""
import base64, json, os, resource, subprocess, sys

canary = os.environ['MXWARDEN_CANARY']
program = '''
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location('case', sys.argv[1])
module = importlib.util.module_from_spec(spec)
try:
    spec.loader.exec_module(module)
except SyntaxError:
    os._exit(11)
except BaseException:
    os._exit(12)
'''

def limit():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

def judge(data):
    if os.path.exists(canary):
        os.remove(canary)
    with open('case.py', 'wb') as file:
        file.write(data)
    try:
        code = subprocess.run([sys.executable, '-B', '-I', '-c', program, 'case.py'], preexec_fn=limit, timeout=20, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        code = -9
    return {'outcome': {0: 'imported', 11: 'refused', 12: 'raised'}.get(code, 'killed'), 'ran': os.path.exists(canary)}

for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps({'name': case['name'], **judge(base64.b64decode(case['bytes']))}), flush=True)
