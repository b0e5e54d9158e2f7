import type { ProcessRef } from '../contract/process.ts';
import type { RecentFinding } from '../recent.ts';
import type { Status } from '../status.ts';
import type { Scenario, Sight } from './scenario.ts';

/** What is ours: processes that we started, and folders that we made. */
export interface Own { readonly processes: readonly ProcessRef[]; readonly folders: readonly string[] }

/** The finding is about a process of ours or of its tree, or about a file of ours: the name of the rule alone says nothing. */
export function isOurs({ processes, path }: RecentFinding, own: Own): boolean {
  return own.folders.some(folder => folder !== '' && path?.startsWith(`${folder}/`) === true)
    || processes.some(each => own.processes.some(({ pid, startTicks }) => each.pid === pid && each.startTicks === startTicks));
}

/** Of findings about us, said since the deed: the first that this scenario expects. */
export function expectedOf(scenario: Scenario, findings: readonly RecentFinding[]): RecentFinding | undefined {
  const ids = scenario.techniques.toSorted().join(' ');
  return findings.find(({ rule, techniques }) => (rule === scenario.rule && techniques.toSorted().join(' ') === ids) || scenario.or?.includes(rule) === true);
}

/** Why the running agent, by what its own collectors say, cannot see this; null when they do not say so. */
export function blindTo(scenario: Scenario, { collectors }: Pick<Status, 'collectors'>): string | null {
  for (const sight of scenario.seenBy) {
    const why = missing(sight, collectors.find(({ name }) => name === sight.collector));
    if (why !== null) return why;
  }
  return null;
}

const levels: Readonly<Record<NonNullable<Sight['level']>, readonly string[]>> = { kernel: ['bpf-lsm', 'bpf-base', 'tracefs'], fanotify: ['fanotify'] };

function missing({ collector, level, facts = [] }: Sight, told: Status['collectors'][number] | undefined): string | null {
  if (told === undefined) return `the collector ${collector} is not configured`;
  if (told.state !== 'armed') return `the collector ${collector} is ${told.state}${told.reason === null ? '' : `: ${told.reason}`}`;
  if (level !== undefined && !levels[level].includes(told.sees ?? '')) return `the collector ${collector} works at level ${told.sees ?? 'none'}`;
  for (const line of told.blind) {
    const named = line.split(/, |: |; | and /).find(part => facts.includes(part)) ?? facts.find(fact => line.startsWith(`${fact}: `));
    if (named !== undefined) return `the collector ${collector} does not see ${named}`;
  }
  return null;
}
