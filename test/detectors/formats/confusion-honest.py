"""Writes small honest files of each kind, by MXNet's and numpy's own savers, into the folder it is run in."""
import numpy as np
import mxnet as mx
from mxnet import nd, sym

nd.save('named.params', {'arg:w': nd.ones((2, 3)), 'aux:m': nd.zeros((3,), dtype='int32')})
nd.save('listed.params', [nd.ones((2,), dtype='float16'), nd.ones((1, 1, 2))])
nd.save('sparse.params', {'a': nd.array(np.eye(4)).tostype('csr'), 'b': nd.array(np.eye(4)).tostype('row_sparse')})

data = sym.var('data')
layer = sym.FullyConnected(data, num_hidden=4, name='fc', attr={'__lr_mult__': '2'})
sym.SoftmaxOutput(layer, name='softmax').save('dense-symbol.json')
body = sym.Pooling(sym.Activation(sym.BatchNorm(sym.Convolution(data, kernel=(3, 3), num_filter=2, pad=(1, 1), name='conv'), name='bn'), act_type='relu'), kernel=(2, 2), stride=(2, 2), pool_type='max')
parts = sym.split(sym.mean(body, axis=(2, 3), keepdims=True), num_outputs=2, axis=1)
sym.Group([parts[0], parts[1], sym.topk(body, k=2, ret_typ='both')]).save('parts-symbol.json')
sym.contrib.foreach(lambda x, s: (x + s, s * 2), data, sym.var('state'))[0].save('loop-symbol.json')

for name, with_optimizer in (('sgd', False), ('adam', True)):
    updater = mx.optimizer.get_updater(mx.optimizer.create(name, momentum=0.9) if name == 'sgd' else mx.optimizer.create(name))
    for index in range(2):
        updater(index, nd.ones((2, 2)), nd.ones((2, 2)))
    with open(f'{name}.states', 'wb') as file:
        file.write(updater.get_states(dump_optimizer=with_optimizer))

np.save('single.npy', np.arange(6, dtype='float32').reshape(2, 3))
np.save('double.npy', np.asfortranarray(np.ones((2, 2))))
np.savez('stored.npz', a=np.ones((2, 2), dtype='float32'), b=np.arange(3))
np.savez_compressed('packed.npz', a=np.zeros((4, 4), dtype='float32'))

magic = bytes.fromhex('0a23d7ce')
for name, contents in (('plain', [b'one', b'record' * 5, b'']), ('divided', [b'abcd' + magic + b'efg', magic * 2, b'last'])):
    writer = mx.recordio.MXRecordIO(f'{name}.rec', 'w')
    for content in contents:
        writer.write(content)
    writer.close()
