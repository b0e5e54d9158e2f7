"""Writes array files as people do, with every saver of MXNet, into the folder it is run in."""
import numpy as np
import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from mxnet.gluon.model_zoo import vision

# Every type, storage, rank and device that nd.save takes.
for dtype in ['float32', 'float64', 'float16', 'uint8', 'int32', 'int8', 'int64', 'bool']:
    nd.save(f'type-{dtype}.nd', {'a': nd.array(np.arange(-6, 6).reshape(3, 4) % 2, dtype=dtype), 'b': nd.ones((1,), dtype=dtype)})
nd.save('bfloat16.nd', [nd.ones((3, 4)).astype(np.dtype([('bfloat16', np.uint16)]))])
nd.save('empty-list.nd', [])
nd.save('empty-dict.nd', {})
nd.save('list.nd', [nd.ones((2,) * rank) for rank in range(1, 9)])
nd.save('single.nd', nd.ones((2, 3)))
nd.save('special.nd', [nd.array([np.nan, np.inf, -np.inf, 0, -0.0, 1e-42, 3.4e38])])
nd.save('device.nd', {'a': nd.ones((2,), ctx=mx.cpu(3))})
names = ['größe', '模型/卷积_0', 'encoder/layer.0/attention', 'a b', 'w[0]', 'x' * 300, 'naïve"quote"', "it's", '100%', 'a:b:c', '..hidden', 'a..b', '🚀w']
nd.save('names.nd', {name: nd.ones((1,)) for name in names})
eye = nd.array(np.eye(6, 5) * 3)
csr, rows = eye.tostype('csr'), eye.tostype('row_sparse')
nd.save('sparse.nd', {
    'csr': csr, 'csr-dense': nd.sparse.csr_matrix(np.eye(4)), 'csr-parts': nd.sparse.csr_matrix(([1., 2, 3], [0, 2, 1], [0, 2, 2, 3]), shape=(3, 4)),
    'slice': csr[1:3], 'nothing': nd.sparse.zeros('csr', (3, 4)), 'copy': csr.copy(), 'double': csr.astype('float64'), 'twice': csr * 2,
    'rows': rows, 'no-rows': nd.sparse.zeros('row_sparse', (3, 4)), 'kept': nd.sparse.retain(rows, nd.array([1, 3], dtype='int64')),
    'sum': rows + rows, 'deep': nd.ones((3, 2, 2)).tostype('row_sparse'), 'half': rows.astype('float16'), 'concat': nd.concat(csr, csr, dim=0),
})
rng = np.random.RandomState(7)
big = nd.array((rng.rand(3000, 400) < 0.05) * rng.randn(3000, 400))
sparse = {'csr': big.tostype('csr'), 'rows': nd.array(np.where(rng.rand(3000, 1) < 0.3, 1.0, 0) * rng.randn(3000, 40)).tostype('row_sparse')}
# nd.save writes the stored shape before it waits for the array: without this it can write a file that disagrees with itself.
nd.waitall()
nd.save('sparse-big.nd', sparse)

# Initialisers on a large layer.
for number, init in enumerate([mx.init.Uniform(0.07), mx.init.Uniform(0.5), mx.init.Uniform(1), mx.init.Normal(0.01), mx.init.Xavier(), mx.init.Xavier('gaussian'), mx.init.MSRAPrelu(), mx.init.Orthogonal(), mx.init.Zero(), mx.init.One(), mx.init.Constant(0.3), mx.init.LSTMBias(), mx.init.Bilinear()]):
    shape = (512, 512) if not isinstance(init, mx.init.Bilinear) else (64, 64, 8, 8)
    array = nd.zeros(shape)
    init(mx.init.InitDesc('layer_weight'), array)
    nd.save(f'init-{number}-{type(init).__name__}.nd', {'w': array})

# A network of many kinds of layer, trained, by each of gluon's savers.
net = nn.HybridSequential()
net.add(nn.Conv2D(16, 3, padding=1), nn.BatchNorm(), nn.Activation('relu'), nn.LeakyReLU(0.1), nn.PReLU(), nn.MaxPool2D(), nn.Conv2DTranspose(8, 2), nn.InstanceNorm(), nn.Flatten(), nn.Dense(300), nn.LayerNorm(), nn.Dropout(0.2), nn.GELU(), nn.Dense(10))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), 'adam', {'learning_rate': 1e-3})
for step in range(12):
    with autograd.record():
        loss = gluon.loss.SoftmaxCrossEntropyLoss()(net(nd.random.normal(shape=(16, 3, 16, 16))), nd.array(rng.randint(0, 10, 16)))
    loss.backward()
    trainer.step(16)
net.save_parameters('net.params')
net.save_parameters('net-deduplicated.params', deduplicate=True)
net.collect_params().save('net-dict.params')
net.hybridize()
net(nd.ones((1, 3, 16, 16)))
net.export('net', epoch=3)
net.cast('float16')
net.save_parameters('net-half.params')
net.cast('float32')
net.save_parameters('net-half-to-single.params')

recurrent = gluon.rnn.LSTM(200, 2, bidirectional=True)
recurrent.initialize()
recurrent(nd.ones((3, 2, 100)))
recurrent.save_parameters('lstm.params')
embedding = nn.Embedding(20000, 64)
embedding.initialize(mx.init.Normal(0.1))
embedding.save_parameters('embedding.params')

# Module, bucketing, and the old model interface.
x = mx.sym.FullyConnected(mx.sym.Variable('data'), num_hidden=8, name='fc')
out = mx.sym.SoftmaxOutput(mx.sym.BatchNorm(x, name='bn'), name='softmax')
module = mx.mod.Module(out)
module.bind([('data', (4, 6))], [('softmax_label', (4,))])
module.init_params()
module.init_optimizer(optimizer='sgd')
module.save_checkpoint('module', 10001)
module.save_params('module-only.params')
arguments, auxiliaries = module.get_params()
mx.model.save_checkpoint('old', 1, out, arguments, auxiliaries)

# The model zoo, with and without half precision.
for name in ['squeezenet1.1', 'mobilenetv2_0.25', 'resnet18_v2']:
    zoo = vision.get_model(name)
    zoo.initialize(mx.init.Xavier())
    zoo.hybridize()
    zoo(nd.zeros((1, 3, 224, 224)))
    zoo.export(name)
zoo.cast('float16')
zoo.save_parameters('zoo-half.params')

# Quantised by MXNet itself.
symbol, arguments, auxiliaries = mx.model.load_checkpoint('mobilenetv2_0.25', 0)
quantised = mx.contrib.quantization.quantize_model(symbol, arguments, auxiliaries, calib_mode='none', quantized_dtype='int8', excluded_sym_names=[])
mx.model.save_checkpoint('quantised', 0, *quantised)

mx.util.set_np()
mx.npx.save('numpy.params', {'a': mx.np.ones((2, 3)), 'scalar': mx.np.array(3.5), 'none': mx.np.zeros((0, 3)), 'bool': mx.np.array([True, False])})
