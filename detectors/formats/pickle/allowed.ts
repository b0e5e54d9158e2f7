import type { GlobalName } from './names.ts';
import type { Role } from './values.ts';

/**
 * Every name that an honest optimizer state imports, measured over the optimizers, schedulers and protocols of MXNet
 * 1.9.1; the spellings of releases up to 1.3 (`mxnet.optimizer X`) and of 2.x (one module a class) beside it.
 * Exact pairs: dotted names resolve to anything that a module happens to hold.
 */
const table: readonly (readonly [Role, string, string])[] = [
  ['array', 'mxnet.ndarray.ndarray', 'NDArray'], ['array', 'mxnet.ndarray', 'NDArray'],
  ['array', 'mxnet.ndarray.sparse', 'RowSparseNDArray CSRNDArray'], ['array', 'mxnet.numpy', 'ndarray'], ['array', 'mxnet.numpy.multiarray', 'ndarray'],
  ['optimizer', 'mxnet.optimizer.optimizer', 'AdaDelta AdaGrad Adam Adamax DCASGD FTML Ftrl LAMB LARS LBSGD NAG Nadam RMSProp SGD SGLD Signum ccSGD Test'],
  ['optimizer', 'mxnet.optimizer', 'AdaDelta AdaGrad Adam Adamax DCASGD FTML Ftrl LBSGD NAG Nadam RMSProp SGD SGLD Signum ccSGD Test'],
  ['optimizer', 'mxnet.optimizer.contrib', 'GroupAdaGrad'],
  ...Object.entries({
    adabelief: 'AdaBelief', adadelta: 'AdaDelta', adagrad: 'AdaGrad', adam: 'Adam', adamW: 'AdamW', adamax: 'Adamax', dcasgd: 'DCASGD', ftml: 'FTML', ftrl: 'Ftrl',
    lamb: 'LAMB', lans: 'LANS', lars: 'LARS', nadam: 'Nadam', nag: 'NAG', rmsprop: 'RMSProp', sgd: 'SGD', sgld: 'SGLD', signum: 'Signum',
  }).map(([module, name]) => ['optimizer', `mxnet.optimizer.${module}`, name] as const),
  ['scheduler', 'mxnet.lr_scheduler', 'LRScheduler FactorScheduler MultiFactorScheduler PolyScheduler CosineScheduler'],
  ['bytearray', 'builtins', 'bytearray'], ['encode', '_codecs', 'encode'],
  ['reconstructor', 'copyreg', '_reconstructor'], ['object', 'builtins', 'object'],
  ['dtype', 'numpy', 'dtype'], ['ndarray', 'numpy', 'ndarray'],
  ['ndarray-reconstructor', 'numpy.core.multiarray', '_reconstruct'], ['scalar', 'numpy.core.multiarray', 'scalar'], ['frombuffer', 'numpy.core.numeric', '_frombuffer'],
];

const roles = new Map(table.flatMap(([role, module, names]) => names.split(' ').map(name => [`${module} ${name}`, role] as const)));

/** What this name is for, or null when no honest state imports it. */
export const roleOf = ({ module, name }: GlobalName): Role | null => module.includes(' ') ? null : roles.get(`${module} ${name}`) ?? null;
