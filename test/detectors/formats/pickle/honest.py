"""Writes optimizer states as MXNet 1.9.1 users do, into the folder given as argument: every registered optimizer, scheduler,
protocol, Module and Trainer, kvstore settings, sparse and half-precision weights."""
import os, pickle, sys, warnings
warnings.filterwarnings('ignore')
import mxnet as mx
import numpy as np
from mxnet import gluon, autograd

folder = sys.argv[1]

def write(name, content):
    with open(os.path.join(folder, name + '.states'), 'wb') as file:
        file.write(content)

def updater_of(optimizer, dtype='float32', stype='default', steps=2):
    updater = mx.optimizer.get_updater(optimizer)
    for step in range(steps):
        for index in range(3):
            shape = (4, 3 + index)
            weight = mx.nd.random.uniform(shape=shape).astype(dtype)
            gradient = mx.nd.random.uniform(shape=shape).astype(dtype)
            if stype != 'default':
                weight, gradient = weight.tostype(stype), gradient.tostype(stype)
            updater(index, gradient, weight)
    return updater

names = sorted(set(mx.optimizer.Optimizer.opt_registry) - {'test'}) + ['test']
arguments = {'sgd': [{}, {'momentum': 0.9}], 'nag': [{'momentum': 0.9}], 'lbsgd': [{'momentum': 0.9}], 'ccsgd': [{'momentum': 0.9}],
             'rmsprop': [{}, {'centered': True}], 'signum': [{'momentum': 0.9}]}
for name in names:
    for number, extra in enumerate(arguments.get(name, [{}])):
        try:
            updater = updater_of(mx.optimizer.create(name, learning_rate=0.1, param_idx2name={0: 'fc1_weight', 1: 'fc1_bias', 2: 'Größe_重み_gamma'}, **extra)) if name != 'groupadagrad' else updater_of(mx.optimizer.create(name, learning_rate=0.1))
        except Exception as error:
            print('no', name, extra, repr(error)[:200])
            continue
        for whole in (False, True):
            write(f'{name}-{number}-{"whole" if whole else "states"}', updater.get_states(whole))
            for protocol in range(6):
                content = (updater.states, updater.optimizer) if whole else updater.states
                write(f'{name}-{number}-{"whole" if whole else "states"}-protocol{protocol}', pickle.dumps(content, protocol=protocol))
                write(f'{name}-{number}-{"whole" if whole else "states"}-python{protocol}', pickle._dumps(content, protocol=protocol))

for name in ('sgd', 'adam', 'adagrad'):
    extra = {'momentum': 0.9, 'lazy_update': True} if name == 'sgd' else {}
    write(f'{name}-sparse', updater_of(mx.optimizer.create(name, learning_rate=0.1, **extra), stype='row_sparse').get_states(True))
    half = mx.optimizer.create(name, learning_rate=0.1, multi_precision=True, **({'momentum': 0.9} if name == 'sgd' else {}))
    for protocol in range(6):
        updater = updater_of(half, dtype='float16')
        write(f'{name}-half-protocol{protocol}', pickle.dumps((updater.states, updater.optimizer), protocol=protocol))

lr = mx.lr_scheduler
schedulers = {'factor': lr.FactorScheduler(10, 0.9), 'multi': lr.MultiFactorScheduler([5, 10], 0.9), 'poly': lr.PolyScheduler(100), 'cosine': lr.CosineScheduler(100)}
for label, scheduler in schedulers.items():
    for kvstore in ('local', 'device', None):
        for update in (True, False):
            if kvstore is None and update:
                continue
            net = gluon.nn.Sequential()
            net.add(gluon.nn.Dense(4, activation='relu'), gluon.nn.BatchNorm(), gluon.nn.Dense(2))
            devices = [mx.cpu(0)] if kvstore is None else [mx.cpu(0), mx.cpu(1)]
            net.initialize(ctx=devices)
            trainer = gluon.Trainer(net.collect_params(), 'adam', {'learning_rate': 0.01, 'lr_scheduler': scheduler}, kvstore=kvstore, update_on_kvstore=update)
            for _ in range(3):
                with autograd.record():
                    losses = [net(mx.nd.ones((2, 5), ctx=device)).sum() for device in devices]
                autograd.backward(losses)
                trainer.step(2)
            trainer.save_states(os.path.join(folder, f'trainer-{label}-{kvstore}-{update}.states'))

# Every optimizer with every scheduler, the optimizer with it or without.
for name in names:
    if name in ('groupadagrad', 'test'):
        continue
    for label, scheduler in schedulers.items():
        try:
            updater = updater_of(mx.optimizer.create(name, lr_scheduler=pickle.loads(pickle.dumps(scheduler))))
        except Exception as error:
            print('no', name, label, repr(error)[:200])
            continue
        for whole in (False, True):
            write(f'{name}-{label}-{whole}', updater.get_states(whole))

for kvstore in ('local', 'device', None):
    data = mx.sym.Variable('data')
    net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(data, num_hidden=3, name='fc'), name='softmax')
    module = mx.mod.Module(net)
    batches = mx.io.NDArrayIter(np.ones((8, 4)), np.zeros(8), 4)
    module.fit(batches, num_epoch=1, optimizer='sgd', optimizer_params={'momentum': 0.9}, kvstore=kvstore)
    module.save_checkpoint(os.path.join(folder, f'module-{kvstore}'), 1, save_optimizer_states=True)
    # On several devices the store keeps states by the names of parameters.
    if kvstore is not None:
        for optimizer, extra in (('sgd', {'momentum': 0.9}), ('adam', {}), ('rmsprop', {'centered': True}), ('adagrad', {}), ('ftml', {})):
            several = mx.mod.Module(net, context=[mx.cpu(0), mx.cpu(1)])
            batches.reset()
            several.fit(batches, num_epoch=1, optimizer=optimizer, optimizer_params=extra, kvstore=kvstore)
            several.save_checkpoint(os.path.join(folder, f'module-{kvstore}-{optimizer}'), 1, save_optimizer_states=True)

# More than 64 KiB, so that protocol 4 and 5 leave the frame; and many arrays.
big = mx.optimizer.get_updater(mx.optimizer.SGD(momentum=0.9))
big(0, mx.nd.ones((200, 300)), mx.nd.ones((200, 300)))
for protocol in range(6):
    write(f'big-protocol{protocol}', pickle.dumps(big.states, protocol=protocol))
many = {index: (mx.nd.ones((2,)), mx.nd.ones((2,))) for index in range(1500)}
write('many', pickle.dumps(many))
write('many-protocol2', pickle.dumps(many, protocol=2))
write('named', pickle.dumps({f'layer{index}_weight': mx.nd.zeros((1,)) for index in range(20)}))
write('numpy', pickle.dumps(({}, updater_of(mx.optimizer.SGD(learning_rate=np.float32(0.1), wd=np.float64(0.1))).optimizer)))
keeps = mx.optimizer.SGD()
keeps.history = np.arange(6, dtype='float32').reshape(2, 3)
for protocol in range(6):
    write(f'numpy-array-protocol{protocol}', pickle.dumps(({}, keeps), protocol=protocol))
mx.npx.set_np()
net = gluon.nn.Dense(2)
net.initialize()
trainer = gluon.Trainer(net.collect_params(), 'sgd', {'momentum': 0.9})
with autograd.record():
    loss = net(mx.np.ones((2, 5))).sum()
loss.backward()
trainer.step(2)
trainer.save_states(os.path.join(folder, 'np-mode.states'))
write('np-array', pickle.dumps({0: mx.np.ones((2, 2))}))
