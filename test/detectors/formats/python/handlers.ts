/** Code as people write it to serve models: a handler of Multi Model Server, an inference.py of SageMaker, a network, a custom operator. */
export const honestHandlers: Readonly<Record<string, string>> = {
  'mms_handler.py': `"""Image classification."""
import json
import logging
import os
from collections import namedtuple

import mxnet as mx
import numpy as np

logger = logging.getLogger(__name__)
Batch = namedtuple('Batch', ['data'])
HERE = os.path.dirname(os.path.abspath(__file__))


class ImageService(object):
    def __init__(self):
        self.module = None
        self.initialized = False

    def initialize(self, context):
        properties = context.system_properties
        folder = properties.get('model_dir')
        gpu = properties.get('gpu_id')
        with open(os.path.join(folder, 'synset.txt')) as labels:
            self.labels = [line.strip() for line in labels]
        with open(os.path.join(folder, 'signature.json')) as file:
            self.signature = json.load(file)
        sym, arg, aux = mx.model.load_checkpoint(os.path.join(folder, 'model'), 0)
        ctx = mx.cpu() if gpu is None else mx.gpu(gpu)
        self.module = mx.mod.Module(symbol=sym, context=ctx, label_names=None)
        self.module.bind(for_training=False, data_shapes=[(i['data_name'], i['data_shape']) for i in self.signature['inputs']])
        self.module.set_params(arg, aux, allow_missing=True)
        self.initialized = True

    def preprocess(self, request):
        images = []
        for item in request:
            image = mx.image.imdecode(item.get('body'))
            images.append(mx.nd.transpose(mx.image.imresize(image, 224, 224), (2, 0, 1)).astype('float32') / 255.)
        return mx.nd.stack(*images)

    def inference(self, data):
        self.module.forward(Batch([data]))
        return self.module.get_outputs()[0].asnumpy()

    def handle(self, data, context):
        if not self.initialized:
            self.initialize(context)
        scores = self.inference(self.preprocess(data))
        return [{self.labels[i]: float(row[i]) for i in np.argsort(row)[:-6:-1]} for row in scores]


_service = ImageService()


def handle(data, context):
    if not _service.initialized:
        _service.initialize(context)
    if data is None:
        return None
    return _service.handle(data, context)
`,
  'inference.py': `from __future__ import print_function

import io
import json
import os

import mxnet as mx
from mxnet import gluon, nd
from sagemaker_inference import content_types, decoder, encoder

ctx = mx.gpu() if mx.context.num_gpus() else mx.cpu()


def model_fn(model_dir):
    net = gluon.SymbolBlock.imports(os.path.join(model_dir, 'model-symbol.json'), ['data'], os.path.join(model_dir, 'model-0000.params'), ctx=ctx)
    net.hybridize(static_alloc=True)
    return net


def transform_fn(net, data, input_content_type, output_content_type):
    if input_content_type == 'application/json':
        array = nd.array(json.loads(data), ctx=ctx)
    else:
        array = mx.nd.load_frombuffer(io.BytesIO(data).read())
    output = net(array).softmax().asnumpy()
    return json.dumps({'scores': ['%.4f' % score for score in output.reshape(-1)]}), output_content_type


if __name__ == '__main__':
    import sys
    print(model_fn(sys.argv[1]))
`,
  'network.py': `from mxnet.gluon import nn
from mxnet.gluon.block import HybridBlock

__all__ = ['Residual', 'resnet']
spec = {18: ([2, 2, 2, 2], [64, 64, 128, 256, 512]), 34: ([3, 4, 6, 3], [64, 64, 128, 256, 512])}


def _conv3x3(channels, stride=1, *, in_channels=0):
    return nn.Conv2D(channels, kernel_size=3, strides=stride, padding=1, use_bias=False, in_channels=in_channels)


class Residual(HybridBlock):
    r"""Two convolutions and what goes around them: :math:\`y = f(x) + x\`."""
    def __init__(self, channels, stride, downsample=False, **kwargs):
        super(Residual, self).__init__(**kwargs)
        with self.name_scope():
            self.body = nn.HybridSequential(prefix='')
            self.body.add(_conv3x3(channels, stride), nn.BatchNorm(), nn.Activation('relu'), _conv3x3(channels))
            self.downsample = nn.Conv2D(channels, 1, stride, use_bias=False) if downsample else None

    def hybrid_forward(self, F, x):
        residual = self.downsample(x) if self.downsample else x
        return F.Activation(residual + self.body(x), act_type='relu')


def resnet(depth, classes=1000, **kwargs):
    layers, channels = spec[depth]
    net = nn.HybridSequential(**kwargs)
    for index, (count, width) in enumerate(zip(layers, channels[1:])):
        for number in range(count):
            net.add(Residual(width, 2 if number == 0 and index > 0 else 1, downsample=number == 0))
    net.add(nn.GlobalAvgPool2D(), nn.Dense(classes))
    return net
`,
  'operators.py': `import mxnet as mx


class Clip(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], mx.nd.clip(in_data[0], 0., 1.))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], out_grad[0] * (in_data[0] > 0) * (in_data[0] < 1))


@mx.operator.register('clip01')
class ClipProp(mx.operator.CustomOpProp):
    def __init__(self):
        super().__init__(need_top_grad=True)

    def create_operator(self, ctx, shapes, dtypes):
        return Clip()
`,
  'forecast.py': `import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from gluonts.model.predictor import Predictor

MODEL = {}
TEMPLATE = "import {} from {}"
NOTE = 'The text says os.system("id"), subprocess.run and exec(), and does nothing.'


def load(path, *args, **options):
    """Do not call os.system() nor eval() here."""
    # subprocess.call(['rm', '-rf', '/'])
    if path not in MODEL:
        MODEL[path] = Predictor.deserialize(Path(path))
    model = MODEL[path]
    model.eval = lambda x: x
    return model.eval(args)


def exec_order(items):
    return sorted(items, key=lambda item: getattr(item, 'order', 0))
`,
  '__init__.py': '',
  'comments.py': '#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n# Größe, 大きさ\nNAME = "Größe"\n',
};
