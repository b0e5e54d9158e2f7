"""Writes zip archives as an honest tool does into the folder argv[1]; prints one JSON line a file: tool, path.
The tool is argv[2]: python (with NumPy), zip or jar; or served, a model archive of the handlers that lie there already."""
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np

folder, program = sys.argv[1:]
os.chdir(folder)


class Pipe(io.RawIOBase):
    """Cannot seek, so that lengths come behind the data."""

    def __init__(self, path):
        self.file = open(path, 'wb')

    def writable(self):
        return True

    def write(self, content):
        return self.file.write(content)

    def close(self):
        self.file.close()


def tell(tool, path):
    print(json.dumps({'tool': tool, 'path': os.path.join(folder, path)}), flush=True)


SMALL = json.dumps({'a': list(range(50))})
LARGE = json.dumps([str(number) * 9 for number in range(30000)])


def fill(archive):
    archive.writestr('a.json', SMALL)
    archive.writestr('d/', '')
    archive.writestr('d/größe.json', LARGE)
    archive.writestr('d/__init__.py', '')
    with archive.open('d/forced.json', 'w', force_zip64=True) as member:
        member.write(SMALL.encode())


os.makedirs('tree/d')
for path, content in (('tree/a.json', SMALL), ('tree/d/b.json', LARGE), ('tree/d/empty', '')):
    with open(path, 'w') as file:
        file.write(content)

if program == 'python':
    for name, method in (('stored', zipfile.ZIP_STORED), ('deflated', zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(f'python-{name}.zip', 'w', method) as archive:
            fill(archive)
        tell(f'zipfile, {name}', f'python-{name}.zip')
        with zipfile.ZipFile(Pipe(f'python-pipe-{name}.zip'), 'w', method) as archive:
            fill(archive)
        tell(f'zipfile to a pipe, {name}', f'python-pipe-{name}.zip')
    with zipfile.ZipFile('python-appended.zip', 'w') as archive:
        archive.writestr('a.json', SMALL)
    with zipfile.ZipFile('python-appended.zip', 'a', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('b.json', SMALL)
        archive.comment = b'two days of work'
    tell('zipfile, appended to', 'python-appended.zip')
    with zipfile.ZipFile('python-empty.zip', 'w'):
        pass
    tell('zipfile, empty', 'python-empty.zip')
    with zipfile.ZipFile('python-many.zip', 'w') as archive:
        for number in range(3000):
            archive.writestr(f'{number}.json', '{}')
    tell('zipfile, many members', 'python-many.zip')
    with zipfile.ZipFile('python-mar.mar', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('MAR-INF/MANIFEST.json', json.dumps({
            'specificationVersion': '1.0', 'implementationVersion': '1.0', 'description': 'A model', 'modelServerVersion': '1.0',
            'license': 'Apache 2.0', 'runtime': 'python', 'engine': {'engineName': 'MXNet'}, 'publisher': {'author': 'someone'},
            'model': {'modelName': 'squeezenet', 'modelVersion': '1.0', 'handler': 'service:handle'}}, indent=2))
        archive.writestr('service.py', '')
        archive.writestr('synset.txt', 'n01440764 tench\nn01443537 goldfish\n')
        archive.writestr('signature.json', json.dumps({'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 224, 224]}]}))
    tell('model archive', 'python-mar.mar')
    arrays = {'weight': np.arange(2000, dtype='f4').reshape(20, 100), 'layer/bias': np.zeros(3000, dtype='f2'), 'ids': np.arange(50)}
    np.savez('numpy.npz', **arrays)
    tell('numpy.savez', 'numpy.npz')
    np.savez_compressed('numpy-compressed.npz', **arrays)
    tell('numpy.savez_compressed', 'numpy-compressed.npz')
    with open('numpy.params', 'wb') as file:
        np.savez(file, **arrays)
    tell('numpy.savez as parameters', 'numpy.params')
    np.savez_compressed('numpy-large.npz', big=np.random.default_rng(1).standard_normal(6_000_000).astype('f4'))
    tell('numpy.savez_compressed, beyond what is held in memory', 'numpy-large.npz')
    shutil.make_archive('shutil', 'zip', 'tree')
    tell('shutil.make_archive', 'shutil.zip')

if program == 'zip':
    for name, options in (('plain', ['-r']), ('stored', ['-r0']), ('best', ['-r9']), ('zip64', ['-r', '-fz']), ('no-extra', ['-rX'])):
        subprocess.run(['zip', '-q', *options, f'../info-{name}.zip', '.'], cwd='tree', check=True)
        tell(f'Info-ZIP, {name}', f'info-{name}.zip')
    with open('info-pipe.zip', 'wb') as file:
        subprocess.run('zip -q -r - . | cat', shell=True, cwd='tree', check=True, stdout=file)
    tell('Info-ZIP to a pipe', 'info-pipe.zip')

if program == 'jar':
    for name, options in (('deflated', 'cf'), ('stored', 'c0f')):
        subprocess.run(['jar', options, f'../jar-{name}.zip', '.'], cwd='tree', check=True)
        tell(f'jar, {name}', f'jar-{name}.zip')

if program == 'served':
    import mxnet as mx
    net = mx.sym.softmax(mx.sym.FullyConnected(mx.sym.Variable('data'), num_hidden=4, name='fc'))
    mx.model.save_checkpoint('model', 0, net, {'fc_weight': mx.nd.random.normal(shape=(4, 8)), 'fc_bias': mx.nd.zeros((4,))}, {})
    with zipfile.ZipFile('served.mar', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('MAR-INF/MANIFEST.json', json.dumps({
            'specificationVersion': '1.0', 'implementationVersion': '1.0', 'description': 'A model', 'modelServerVersion': '1.0',
            'license': 'Apache 2.0', 'runtime': 'python', 'engine': {'engineName': 'MXNet'},
            'model': {'modelName': 'small', 'modelVersion': '1.0', 'handler': 'service.py:handle'}}, indent=2))
        archive.write('mms_handler.py', 'service.py')
        archive.write('network.py')
        archive.write('model-symbol.json')
        archive.write('model-0000.params')
        archive.writestr('synset.txt', 'n01440764 tench\nn01443537 goldfish\n')
        archive.writestr('requirements.txt', 'numpy==1.23.5\nPillow>=9\n')
        archive.writestr('README.md', '# A model\n\n```python\nimport mxnet as mx\n```\n')
    tell('model archive with a handler', 'served.mar')
