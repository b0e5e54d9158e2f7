import type { Severity } from '../../../agent/contract/finding.ts';
import { operatorOf } from './operators.ts';

export interface Danger {
  readonly rule: string;
  readonly severity: Severity;
  readonly confidence: number;
  /** Follows the operator's name. */
  readonly why: string;
  readonly techniques: readonly string[];
}

const danger = (rule: string, severity: Severity, confidence: number, why: string, ...techniques: readonly string[]): Danger =>
  ({ rule: `symbol.${rule}`, severity, confidence, why, techniques });

const pointer = danger('pointer-operator', 'critical', 1,
  'calls a function at an address that its attribute writes as text, while the symbol is loaded', 'AML.T0011.000', 'AML.T0018.002', 'T1203');
const fused = danger('fused-operator', 'critical', 0.9,
  'holds source text that CUDA builds compile and run; no saved model has it', 'AML.T0011.000', 'AML.T0018.002', 'T1203');
const torch = danger('plugin-operator', 'critical', 0.9, 'runs its attribute as Lua in builds with the Torch plugin', 'AML.T0011.000', 'AML.T0018.002', 'T1059');
const caffe = danger('plugin-operator', 'medium', 0.8, 'exists only in builds with a plugin', 'AML.T0011.000');
const image = danger('image-operator', 'high', 0.7,
  'reads or decodes images and is only for immediate calls; no saved model has it', 'AML.T0011.000', 'T1005');
const internal = danger('internal-operator', 'medium', 0.8, 'is internal to a running process; no saved model has it', 'AML.T0011.000');
const cached = danger('cached-operator', 'medium', 0.7,
  'carries a whole symbol as text, which is parsed while loading; exporters write the graph itself', 'AML.T0011.000');
const unknown = danger('unknown-operator', 'low', 0.6, 'is no operator of MXNet 1.9.1: an older model, or one that needs an operator library', 'AML.T0011.000');
const otherBuild = danger('other-build-operator', 'low', 0.6, 'is not in the CPU build of MXNet 1.9.1, which refuses the file', 'AML.T0011.000');

const dangers: Readonly<Record<string, Danger>> = {
  _Native: pointer, _NDArray: pointer,
  _FusedOp: fused, _FusedOpHelper: fused, _FusedOpOutHelper: fused,
  TorchModule: torch, TorchCriterion: torch, CaffeOp: caffe, CaffeLoss: caffe, WarpCTC: caffe,
  _cvimread: image, _npi_cvimread: image, _cvimdecode: image, _npi_cvimdecode: image, _imdecode: image,
  _CustomFunction: danger('internal-operator', 'high', 0.9, 'calls back into the process that wrote it, by address', 'AML.T0011.000', 'T1203'),
  _NoGradient: internal, _CrossDeviceCopy: internal,
  _CachedOp: cached, _CachedOpThreadSafe: cached,
};

/** What is wrong with this operator in a file, wherever it stands. Names that are no operator of 1.9.1 are refused by it. */
export function dangerOf(name: string): Danger | null {
  if (name === 'null') return null;
  if (Object.hasOwn(dangers, name)) return dangers[name] ?? null;
  const operator = operatorOf(name);
  if (!operator) return unknown;
  if (operator.origin === 'gradient') return internal;
  return operator.origin === 'other-build' ? otherBuild : null;
}

/** Dangers that count even where MXNet never reads the node. */
export const isGrave = (found: Danger | null): found is Danger => found?.severity === 'critical' || found?.severity === 'high';

/**
 * Attributes of the operators that `import mxnet` itself registers (numpy_op_fallback.py, operator.py): with any other set
 * the creator raises, and the process dies.
 */
export const builtInCustom: Readonly<Record<string, { readonly required: readonly string[]; readonly optional: readonly string[] }>> = {
  custom_op: { required: [], optional: [] },
  empty_like_fallback: { required: ['dtype', 'order', 'subok', 'shape'], optional: [] },
  resize_fallback: { required: ['new_shape'], optional: [] },
  unravel_index_fallback: { required: ['shape'], optional: [] },
  mvn_fallback: { required: [], optional: ['size'] },
};
