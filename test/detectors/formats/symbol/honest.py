"""Writes symbols of every kind as MXNet 1.9.1 itself writes them into the folder of argv[1]; argv[2] selects a part."""
import os, sys
import mxnet as mx
from mxnet import gluon, nd, sym
from mxnet.gluon import nn, rnn

folder, part = sys.argv[1], sys.argv[2]
path = lambda name: os.path.join(folder, name)
save = lambda name, symbol: symbol.save(path(name + '-symbol.json'))


def export(name, net, *shapes):
    net.initialize()
    net.hybridize()
    net(*[nd.ones(shape) for shape in shapes])
    net.export(path(name))


def zoo():
    from mxnet.gluon.model_zoo import vision
    for name in ('resnet18_v1', 'resnet50_v2', 'vgg11_bn', 'alexnet', 'densenet121', 'squeezenet1.0', 'inceptionv3', 'mobilenet0.25', 'mobilenetv2_0.25'):
        save(name, vision.get_model(name, classes=10)(sym.var('data')))
    export('alone', vision.get_model('squeezenet1.1', classes=3), (1, 3, 224, 224))


class Loop(gluon.HybridBlock):
    def hybrid_forward(self, F, data, state):
        outs, last = F.contrib.foreach(lambda x, s: (x + s[0], [s[0] * 2]), data, [state])
        return outs, last[0]


class Layers(gluon.HybridBlock):
    """One of each kind."""
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.body = nn.HybridSequential()
            self.body.add(nn.Conv2D(8, 3, padding=1), nn.BatchNorm(), nn.PReLU(), nn.MaxPool2D(), nn.Conv2DTranspose(4, 2, strides=2),
                          nn.InstanceNorm(), nn.GroupNorm(num_groups=2), nn.LeakyReLU(0.1), nn.ELU(), nn.SELU(), nn.GELU(), nn.Swish(), nn.Dropout(0.1),
                          nn.AvgPool2D(), nn.GlobalAvgPool2D(), nn.Flatten(), nn.Dense(6, activation='tanh'), nn.LayerNorm(), nn.HybridLambda('relu'))

    def hybrid_forward(self, F, x):
        y = self.body(x)
        a, b, c = F.split(y, num_outputs=3, axis=1)
        both = F.topk(y, k=2, ret_typ='both')
        return F.concat(a, b, c, dim=1), both[0], both[1], F.stack(a, b), F.softmax(y), F.norm(y), F.L2Normalization(y), F.transpose(y), F.reshape(y, (-1,)), F.slice_axis(y, axis=1, begin=0, end=2), F.Cast(y, dtype='float16')


class Constants(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.fixed = self.params.get_constant('fixed', nd.array([[1, 2], [3, 4]]))

    def hybrid_forward(self, F, x, fixed):
        return F.dot(x, fixed)


class Twice(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(4, flatten=False, in_units=4)

    def hybrid_forward(self, F, x):
        return self.dense(self.dense(x))


def gluons():
    export('layers', Layers(), (2, 3, 16, 16))
    export('twice', Twice(), (2, 4))
    export('constants', Constants(), (2, 2))
    for kind in ('LSTM', 'GRU', 'RNN'):
        export('layer-' + kind, getattr(rnn, kind)(5, num_layers=2, bidirectional=kind == 'GRU'), (3, 2, 4))
    save('embedding', nn.Embedding(10, 4)(sym.var('data')))
    block = gluon.SymbolBlock.imports(path('twice-symbol.json'), ['data'], path('twice-0000.params'))
    block.hybridize(); block(nd.ones((2, 4)))
    block.export(path('again'))


def flow():
    export('loop', Loop(), (3, 2), (2,))
    data, state = sym.var('data'), sym.var('state')
    outs, states = sym.contrib.while_loop(lambda i, s: i < 5, lambda i, s: ([i + s], [i + 1, s * 2]), [sym.var('i'), sym.var('s')], max_iterations=5)
    save('while', sym.Group([outs[0] if isinstance(outs, list) else outs, *states]))
    a, b = sym.var('a'), sym.var('b')
    save('cond', sym.contrib.cond(a < b, lambda: a + 1, lambda: b * 2))
    inner = lambda x, s: (sym.contrib.foreach(lambda y, t: (y + t, y), x, s)[0], s)
    save('loops', sym.contrib.foreach(inner, data, state)[0])


def symbols():
    data = sym.var('data')
    for cell in (mx.rnn.LSTMCell(8, prefix='lstm_'), mx.rnn.GRUCell(8, prefix='gru_'), mx.rnn.RNNCell(8, prefix='rnn_'), mx.rnn.FusedRNNCell(8, num_layers=2, mode='lstm', prefix='fused_', get_next_state=True)):
        outs, _ = cell.unroll(3, inputs=data, merge_outputs=True)
        save(type(cell).__name__, outs)
    fc = sym.FullyConnected(data, num_hidden=3, name='fc', attr={'__lr_mult__': '2', 'ctx_group': 'dev1'})
    save('softmax', sym.SoftmaxOutput(fc, name='softmax'))
    for index, name in enumerate(('sch\u00f6n', '\u6a21\u578b/\u5c42', 'with blank', 'dots.in.name', 'a"quote\\back', 'emoji\U0001f600', 'tab\tin')):
        save(f'name{index}', sym.FullyConnected(sym.var(name if index != 6 else 'plain', init=mx.init.Xavier()), num_hidden=2, name=name if index != 6 else 'plain2'))
    save('initializers', sym.Group([sym.var(f'v{i}', init=init, shape=(2, 2), lr_mult=2, dtype='float16') for i, init in enumerate((mx.init.Zero(), mx.init.One(), mx.init.Constant(3), mx.init.Uniform(), mx.init.Normal(),
        mx.init.Orthogonal(), mx.init.Xavier(), mx.init.MSRAPrelu(), mx.init.Bilinear(), mx.init.LSTMBias(), mx.init.FusedRNN(mx.init.Xavier(), 4, 1, 'lstm')))]))
    save('internals', fc.get_internals())
    with mx.AttrScope(ctx_group='dev2', __mirror__='1'):
        save('scopes', sym.Convolution(data, kernel=(3, 3), num_filter=2, stride=(2, 2), name='conv'))
    args = sym.var('x')
    save('many', sym.Group([op(args) for op in (sym.relu, sym.sigmoid, sym.exp, sym.log, sym.sqrt, sym.abs, sym.BlockGrad, sym.identity, sym.mean, sym.argmax, sym.sum, sym.Flatten, sym.zeros_like, sym.shape_array, sym.square)]
        + [args + 1, args * args, args > 2, sym.broadcast_add(args, args), sym.Pad(args, mode='constant', pad_width=(0, 0, 0, 0, 1, 1, 1, 1)), sym.clip(args, 0, 1), sym.one_hot(args, 3), sym.pick(args, args), sym.where(args, args, args),
           sym.SwapAxis(args, dim1=0, dim2=1), sym.UpSampling(args, scale=2, sample_type='nearest'), sym.LRN(args, nsize=3), sym.contrib.MultiBoxPrior(args, sizes=(0.5, 0.25), ratios=(1, 2)), sym.ROIPooling(args, args, pooled_size=(2, 2), spatial_scale=1.0),
           sym.SequenceMask(args, args, use_sequence_length=True), sym.split(args, num_outputs=4)[3], sym.linalg.gemm2(args, args), sym.random.normal(0, 1, shape=(2,)), sym.arange(5), sym.zeros((2, 3)), sym.take(args, args)]))


def bucketing():
    def generate(length):
        data, label = sym.var('data'), sym.var('softmax_label')
        embed = sym.Embedding(data, input_dim=10, output_dim=4, name='embed')
        cell = mx.rnn.LSTMCell(4, prefix='l_')
        outs, _ = cell.unroll(length, inputs=embed, merge_outputs=True)
        return sym.SoftmaxOutput(sym.FullyConnected(sym.reshape(outs, (-1, 4)), num_hidden=10, name='pred'), sym.reshape(label, (-1,)), name='softmax'), ('data',), ('softmax_label',)
    module = mx.mod.BucketingModule(generate, default_bucket_key=3)
    module.bind([('data', (2, 3))], [('softmax_label', (2, 3))])
    module.init_params()
    module.save_checkpoint(path('buckets'), 1) if hasattr(module, 'save_checkpoint') else module._curr_module.save_checkpoint(path('buckets'), 1)


def quantised():
    from mxnet.contrib.quantization import quantize_model
    data = sym.var('data')
    conv = sym.Activation(sym.BatchNorm(sym.Convolution(data, kernel=(3, 3), num_filter=4, name='conv'), name='bn'), act_type='relu', name='relu')
    net = sym.FullyConnected(sym.Flatten(sym.Pooling(conv, kernel=(2, 2), stride=(2, 2), pool_type='max', name='pool')), num_hidden=3, name='fc')
    shapes, _, aux = net.infer_shape(data=(1, 3, 8, 8))
    arg_params = {n: nd.random.uniform(shape=s) for n, s in zip(net.list_arguments(), shapes) if n != 'data'}
    aux_params = {n: nd.ones(s) for n, s in zip(net.list_auxiliary_states(), aux)}
    save('plain', net)
    nd.save(path('plain-0000.params'), {**{'arg:' + k: v for k, v in arg_params.items()}, **{'aux:' + k: v for k, v in aux_params.items()}})
    for backend in ('MKLDNN', 'MKLDNN_QUANTIZE'):
        save('fused-' + backend, net.get_backend_symbol(backend))
    quantized, qarg, qaux = quantize_model(net, arg_params, aux_params, data_names=('data',), ctx=mx.cpu(), calib_mode='none', quantized_dtype='uint8')
    save('quantised', quantized)
    mx.model.save_checkpoint(path('quantised'), 0, quantized, qarg, qaux)
    save('fused-quantised', quantize_model(net.get_backend_symbol('MKLDNN_QUANTIZE'), arg_params, aux_params, data_names=('data',), ctx=mx.cpu(), calib_mode='none', quantized_dtype='auto')[0].get_backend_symbol('MKLDNN_QUANTIZE'))


def numpys():
    from mxnet import npx
    npx.set_np()

    class Block(gluon.HybridBlock):
        def __init__(self):
            super().__init__()
            self.dense = nn.Dense(4)

        def hybrid_forward(self, F, x):
            y = self.dense(x)
            return F.np.concatenate([y, y], axis=1), F.np.sum(y, axis=-1), F.npx.softmax(y), F.np.split(y, 2, axis=1)[1], F.np.einsum('ij,kj->ik', y, y), F.np.mean(y), y[0]
    net = Block()
    net.initialize(); net.hybridize(); net(mx.np.ones((2, 3)))
    net.export(path('numpy'))


dict(zoo=zoo, gluons=gluons, flow=flow, symbols=symbols, bucketing=bucketing, quantised=quantised, numpys=numpys)[part]()
