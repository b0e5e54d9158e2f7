import type { Scenario } from './scenario.ts';
import { kernelScenarios } from './scenarios/kernel.ts';
import { libraryScenarios } from './scenarios/libraries.ts';
import { modelScenarios } from './scenarios/models.ts';
import { networkScenarios } from './scenarios/network.ts';
import { pathScenarios } from './scenarios/paths.ts';
import { programScenarios } from './scenarios/programs.ts';

/** Every behaviour that is acted out, in this order. */
export const scenarios: readonly Scenario[] = [...programScenarios, ...networkScenarios, ...pathScenarios, ...kernelScenarios, ...libraryScenarios, ...modelScenarios];

const slow = 'it takes minutes of a quiet past, and then minutes of misuse';
const ours = 'it would change, stop or blind the agent that is asked';

/** Rules of stream detectors that no scenario provokes, and why. */
export const notActed: Readonly<Record<string, string>> = {
  'usage.cpu': slow, 'usage.memory': slow, 'usage.threads': slow, 'usage.network-sent': slow,
  'loss.events': ours, 'loss.sensor-down': ours, 'loss.state': ours, 'audit.broken': ours,
  'tampering.agent-files': ours, 'tampering.agent-killed': ours, 'tampering.agent-stalled': ours,
  'tampering.agent-traced': 'who takes hold of the agent stops it, and whoever reads it reads what is not ours',
  'collection.models-read': 'it takes a dozen models that were there before, and those that are there are not ours to open',
  'secret.ssh-settings': 'it is said of real files of SSH only, and those are not ours to open',
  'secret.listed': 'it is said of files that the configuration names, and those are not ours to open',
};
