import { present } from './evidence.ts';
import type { DetectionFinding, Evidence, Observable, OcsfProcess } from './ocsf-schema.ts';

/** Observables that 1.1.0 has a type for; the others are "Other" there. */
const knownObservables: ReadonlySet<number> = new Set([1, 2, 8, 9]);

/**
 * For consumers of OCSF 1.1.0, which does not know: `is_alert`, the action "Observed", names, ids, verdicts and containers
 * of evidence, paths and ancestors of processes, the kernel's release, types of some observables. What has no place there
 * stands in a free field beside it or under `unmapped`. Pure.
 */
export function asOcsf11({ is_alert, evidences, observables, metadata: { is_truncated, untruncated_size, ...metadata }, device, actor, unmapped, ...alert }: DetectionFinding): Record<string, unknown> {
  const { kernel_release, ...os } = device.os;
  return present({
    ...alert, action_id: 99, metadata: { ...metadata, version: '1.1.0' }, device: { ...device, os },
    actor: actor && { process: olderProcess(actor.process) }, evidences: evidences.map(olderEvidence), observables: observables.map(olderObservable),
    unmapped: present({ ...unmapped, is_alert, is_truncated, untruncated_size, kernel_release }),
  });
}

function olderEvidence({ name, uid, container, verdict, verdict_id, data, process, actor, ...rest }: Evidence): Record<string, unknown> {
  return present({
    ...rest, process: process && olderProcess(process), actor: actor && { process: olderProcess(actor.process) },
    data: present({ ...data, name, uid, verdict, container }),
  });
}

function olderProcess({ path, working_directory, ancestry, parent_process, xattributes, ...rest }: OcsfProcess): Record<string, unknown> {
  const more = present({ ...xattributes, path, working_directory, ancestry: ancestry?.map(each => `${each.pid} ${each.path ?? ''}`.trim()), parent_path: parent_process?.path });
  return present({
    ...rest, parent_process: parent_process && { pid: parent_process.pid, uid: parent_process.uid },
    xattributes: Object.keys(more).length > 0 ? more : undefined,
  });
}

const olderObservable = (observable: Observable) => knownObservables.has(observable.type_id) ? observable : { ...observable, type_id: 99 };
