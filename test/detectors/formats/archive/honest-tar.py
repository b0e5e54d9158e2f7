"""Archives as the usual tools write them, below the folder argv[1]; one JSON line a file: tool, path.
The tools are argv[2]: tar (GNU tar, Python, gzip) or bsdtar; or served, an archive for SageMaker of the handlers there."""
import io, json, os, pickle, shutil, subprocess, sys, tarfile
import numpy as np

root, program = sys.argv[1:]
tree = os.path.join(root, 'tree')
deep = '/'.join(['a' * 60, 'b' * 60, 'c' * 60])


def plant(names):
    shutil.rmtree(tree, ignore_errors=True)
    for name in names:
        path = os.path.join(tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as out:
            if name.endswith('.json'):
                out.write(json.dumps({'shape': [1, 2, 3], 'name': name}).encode() + b' ' * (len(name) * 37))
            elif name.endswith('.states'):
                pickle.dump({0: None, 1: None}, out)
    with open(os.path.join(tree, 'zeros.npy'), 'wb') as out:
        np.lib.format.write_array_header_1_0(out, {'descr': '<f4', 'fortran_order': False, 'shape': (1_000_000,)})
        start = out.tell()
        for at in range(0, 3_000_000, 300_000):
            out.seek(start + at * 4 // 3)
            out.write(np.float32(1).tobytes())
        out.truncate(start + 4_000_000)
    os.symlink('model-shapes.json', os.path.join(tree, 'link.json'))
    os.link(os.path.join(tree, 'model-shapes.json'), os.path.join(tree, 'same.json'))


short = ['model-shapes.json', 'optimizer.states', 'code/__init__.py', 'code/extra/.keep', '.hidden/a.json', 'g\u00e9n\u00e9ral \u6a21\u578b.json', 'with space.json']
splittable = short + ['a' * 90 + '/' + 'b' * 90 + '.json']
every = splittable + [deep + '/' + 'd' * 120 + '.json', 'e' * 200 + '.json']


def gnu(name, *options, members=('.',)):
    path = os.path.join(root, name)
    done = subprocess.run(['tar', '-cf', path, '-C', tree, *options, *members], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f'tar {options}: {done.stderr}')
    print(json.dumps({'tool': f'GNU tar {" ".join(options)}', 'path': path}))


def python(name, mode, form, change=lambda member: member):
    path = os.path.join(root, name)
    with tarfile.open(path, mode, format=form) as archive:
        archive.add(tree, arcname='.', filter=change)
    print(json.dumps({'tool': f'tarfile {name}', 'path': path}))


def far(member):
    member.uid = member.gid = 3_000_000
    member.mtime = -12_345.5 if member.name.endswith('.json') else 1.5
    return member


if program == 'tar':
    plant(short)
    gnu('v7.tar', '--format=v7')
    gnu('v7-b1.tar', '--format=v7', '-b', '1')
    plant(splittable)
    gnu('ustar.tar', '--format=ustar')
    plant(every)
    for form in ['gnu', 'oldgnu', 'posix']:
        gnu(f'{form}.tar', f'--format={form}')
        gnu(f'{form}-sparse.tar', f'--format={form}', '-S')
        gnu(f'{form}-owner.tar', f'--format={form}', '--owner=somebody:3000000', '--group=others:3000000')
        gnu(f'{form}-old.tar', f'--format={form}', '--mtime=1960-01-01', '--sort=name')
        gnu(f'{form}-label.tar', f'--format={form}', '--label=a label')
        gnu(f'{form}.tar.gz', f'--format={form}', '-z')
    for version in ['0.0', '0.1', '1.0']:
        gnu(f'sparse-{version}.tar', '--format=posix', '-S', f'--sparse-version={version}')
    gnu('named.tar.gz', '-z', members=('model-shapes.json', 'code', 'optimizer.states'))
    gnu('empty.tar', '-T', '/dev/null', members=())
    subprocess.run(['tar', '--format=gnu', '-rf', os.path.join(root, 'named-more.tar'), '-C', tree, 'model-shapes.json'], check=True)
    subprocess.run(['tar', '--format=gnu', '-rf', os.path.join(root, 'named-more.tar'), '-C', tree, 'optimizer.states'], check=True)
    print(json.dumps({'tool': 'GNU tar -r', 'path': os.path.join(root, 'named-more.tar')}))
    for label, form in [('gnu', tarfile.GNU_FORMAT), ('pax', tarfile.PAX_FORMAT)]:
        python(f'python-{label}.tar', 'w', form)
        python(f'python-{label}.tar.gz', 'w:gz', form)
        python(f'python-{label}.tgz', 'w|gz', form)
        python(f'python-{label}-far.tar', 'w', form, far)
    plant(splittable)
    python('python-ustar.tar', 'w', tarfile.USTAR_FORMAT)
    plant(every)
    shapes = os.path.join(tree, 'model-shapes.json')
    for name, command in [('fast.json.gz', ['gzip', '-1c', shapes]), ('best.json.gz', ['gzip', '-9c', shapes]), ('anonymous.json.gz', ['gzip', '-nc', shapes])]:
        path = os.path.join(root, name)
        with open(path, 'wb') as out:
            subprocess.run(command, stdout=out, check=True)
        print(json.dumps({'tool': ' '.join(command[:2]), 'path': path}))

# Names that are not UTF-8 are left out: they are told.
if program == 'bsdtar':
    for form in ['ustar', 'pax', 'gnutar', 'v7']:
        plant(short if form == 'v7' else splittable if form == 'ustar' else every)
        path = os.path.join(root, f'bsd-{form}.tar.gz')
        subprocess.run(['bsdtar', '-czf', path, '--format', form, '-C', tree, '.'], check=True)
        print(json.dumps({'tool': f'bsdtar {form}', 'path': path}))

if program == 'served':
    import mxnet as mx
    os.makedirs(os.path.join(tree, 'code'))
    net = mx.sym.softmax(mx.sym.FullyConnected(mx.sym.Variable('data'), num_hidden=4, name='fc'))
    mx.model.save_checkpoint(os.path.join(tree, 'model'), 0, net, {'fc_weight': mx.nd.random.normal(shape=(4, 8)), 'fc_bias': mx.nd.zeros((4,))}, {})
    for name in ['inference.py', 'network.py']:
        shutil.copy(os.path.join(root, name), os.path.join(tree, 'code', name))
    with open(os.path.join(tree, 'code', 'requirements.txt'), 'w') as out:
        out.write('gluoncv==0.10.5\n')
    gnu('model.tar.gz', '-z', members=('model-symbol.json', 'model-0000.params', 'code'))
