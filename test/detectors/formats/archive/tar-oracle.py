"""What two real readers make of each archive on stdin (JSON lines: name, bytes in Base64): Python's tarfile, which also
unpacks it, fully trusted, deep in a throwaway folder; and GNU tar, which lists it and gives all content. Each in a limited
child, without privileges."""
import base64, hashlib, json, os, resource, shutil, signal, subprocess, sys, tarfile, tempfile

nobody = 65534


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (2 ** 30, 2 ** 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 ** 24, 2 ** 24))
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(nobody)
        os.setuid(nobody)


def read(path):
    names, kinds, digest = [], [], hashlib.sha256()
    with tarfile.open(path, 'r:') as archive:
        for member in archive:
            names.append(member.name.rstrip('/'))
            kinds.append(member.type.decode('latin-1') if member.type != b'\0' else '0')
            if member.isreg():
                part = archive.extractfile(member)
                while piece := part.read(65536):
                    digest.update(piece)
    return {'names': names, 'digest': digest.hexdigest()}


def unpack(path, folder):
    target = os.path.join(folder, 'a', 'b', 'c', 'd')
    os.makedirs(target)
    with tarfile.open(path, 'r:') as archive:
        archive.extractall(target)


def outside(folder):
    """Whatever stands in the folders above the one that was unpacked to, or is a link that leads there."""
    found, target = [], os.path.realpath(os.path.join(folder, 'a', 'b', 'c', 'd'))
    for base, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(base, name)
            inside = (path + '/').startswith(target + '/')
            if not inside and not (target + '/').startswith(path + '/'):
                found.append(os.path.relpath(path, target))
            elif os.path.islink(path) and not (os.path.realpath(path) + '/').startswith(target + '/'):
                found.append('link ' + os.path.relpath(path, target))
    return found


def child(work):
    """The answer of a function in a child of its own; a time-out or a death is an answer."""
    near, far = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(near)
        code = 0
        try:
            limit()
            signal.alarm(3)
            answer = work() or {}
        except BaseException as error:
            answer = {'error': f'{type(error).__name__}: {error}'[:200]}
        os.write(far, json.dumps(answer).encode()[:1_000_000])
        os._exit(code)
    os.close(far)
    text = b''
    while piece := os.read(near, 65536):
        text += piece
    os.close(near)
    status = os.waitpid(pid, 0)[1]
    return json.loads(text) if text else {'error': f'ended with status {status}'}


def gnu(path):
    def ask(*options):
        started = subprocess.Popen(['tar', '-P', '--warning=no-timestamp', *options, '-f', path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit, env={'LC_ALL': 'C', 'PATH': os.environ['PATH']})
        out = started.stdout.read(2 ** 25)
        started.stdout.close()
        error = started.stderr.read(10_000).decode('latin-1')
        started.stderr.close()
        return out, error, started.wait()
    listing, listed, code = ask('-t', '--quoting-style=literal', '--null', '--no-recursion')
    content, given, other = ask('-x', '--to-stdout')
    names = [name.decode('utf-8', 'surrogateescape').rstrip('/') for name in listing.split(b'\n')[:-1]]
    error = (listed + given)[:200] if code or other or listed or given else None
    return {'names': names, 'digest': hashlib.sha256(content).hexdigest(), 'error': error}


for line in sys.stdin:
    case = json.loads(line)
    folder = tempfile.mkdtemp(prefix='mxwarden-untar-')
    try:
        os.chmod(folder, 0o777)
        path = os.path.join(folder, 'case.tar')
        with open(path, 'wb') as out:
            out.write(base64.b64decode(case['bytes']))
        os.chmod(path, 0o644)
        inner = os.path.join(folder, 'inner')
        os.mkdir(inner)
        os.chmod(inner, 0o777)
        python = child(lambda: read(path))
        unpacked = child(lambda: unpack(path, inner))
        print(json.dumps({'name': case['name'], 'python': python, 'gnu': gnu(path), 'unpacked': unpacked.get('error'), 'outside': outside(inner)}), flush=True)
    finally:
        subprocess.run(['chmod', '-R', 'u+rwX', folder], stderr=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
