import type { EventOf } from '../../agent/contract/event.ts';
import type { FileIdentity } from '../../agent/contract/file.ts';
import type { Suspicion } from '../../agent/contract/finding.ts';
import type { Process } from '../../agent/contract/process.ts';
import { temporary } from '../context/programs.ts';
import type { Loading } from '../context/trees.ts';
import { clip, quote, who } from '../context/wording.ts';

/** How the rules of `load` are said; when they apply is decided in detectors/load.ts. */

export const loaderOf = (event: Loading): Process => event.kind === 'file.opened' ? event.by : event.process;
const did = (event: Loading): string => event.kind === 'file.opened' ? 'opened' : 'loaded';
const about = (event: Loading) => ({ at: event.at, because: [event.id] as const });

export const failed = (event: EventOf<'mxnet.called'>, what: string): Suspicion => ({
  ...about(event), rule: 'load.failed', severity: 'low', confidence: 0.3, techniques: ['AML.T0011.000', 'AML.T0076'],
  summary: `${who(event.process)} could not load ${quote(what)}: MXNet refused it in ${event.api}`,
});

/** Functions whose argument is the name of a file: when that cannot be read, nobody knows what was loaded. */
const named = new Set(['MXNDArrayLoad', 'MXSymbolCreateFromFile', 'MXLoadLib', 'MXRecordIOReaderCreate']);

export const unread = (event: EventOf<'mxnet.called'>, why: string): Suspicion => ({
  ...about(event), rule: 'load.unread-argument', severity: named.has(event.api) ? 'medium' : 'low', confidence: 0.5,
  techniques: ['T1562.006', 'AML.T0011.000'],
  summary: `${who(event.process)} called ${event.api}, but what it loaded could not be read (${clip(why)}), which somebody may have wanted`,
});

export const unresolved = (event: EventOf<'mxnet.called'>, raw: string): Suspicion => ({
  ...about(event), rule: 'load.unread-argument', severity: 'low', confidence: 0.4, techniques: ['T1562.006', 'AML.T0011.000'],
  summary: `${who(event.process)} loaded ${quote(raw)} by ${event.api}, but which file that name meant could not be found out`,
});

const notInspected = { rule: 'load.not-inspected', severity: 'low', confidence: 0.5, techniques: ['AML.T0011.000', 'AML.T0010.003'] } as const;

export const vanished = (event: Loading, path: string): Suspicion => ({
  ...about(event), ...notInspected, techniques: [...notInspected.techniques, 'T1070.004'],
  summary: `${who(loaderOf(event))} ${did(event)} ${quote(path)}, which was gone when it was to be examined: it was never inspected`,
});

export const changedSince = (event: Loading, path: string, what: string): Suspicion => ({
  ...about(event), ...notInspected,
  summary: `${who(loaderOf(event))} ${did(event)} ${quote(path)}, which was changed since it was last inspected (${what})`,
});

export const neverInspected = (path: string, load: string, at: number, ended: boolean): Suspicion => ({
  ...notInspected, at, because: [load],
  summary: `${quote(path)} was loaded and ${ended ? 'the process ended before it was inspected' : 'has still not been inspected'}: nobody knows what is in it`,
});

/** The file under the path was exchanged between the load and the inspection: what was inspected is not what was loaded. */
export const swapped = (event: EventOf<'artifact.inspected'>, path: string, load: string, byOther: string | null): Suspicion => ({
  ...notInspected, severity: byOther === null ? 'low' : 'medium', confidence: byOther === null ? 0.4 : 0.7, at: event.at, because: [event.id, load],
  summary: `${quote(path)} was replaced${byOther === null ? '' : ` by ${byOther}`} after it was loaded and before it was inspected: what was loaded was never seen`,
});

export type Evidence = Pick<Suspicion, 'at' | 'because'>;

export const replaced = (evidence: Evidence, path: string, loader: string, from: string, to: string, sinceLoad: boolean): Suspicion => ({
  ...evidence, rule: 'load.replaced', severity: 'low', confidence: 0.6, techniques: ['AML.T0109', 'T1565.001'],
  summary: `${loader} loaded ${quote(path)}, whose content is another than ${sinceLoad ? 'when it was last loaded' : 'when it was first seen'} (SHA-256 ${from.slice(0, 12)}… then, ${to.slice(0, 12)}… now)`,
});

/** Where the model zoos of MXNet, GluonCV, GluonNLP and DJL keep what they download. */
const zoo = /\/(\.mxnet\/(models|datasets)|\.djl\.ai\/cache)\//;

export function outside(path: string, load: string, at: number): Suspicion {
  const passing = temporary(path);
  const cached = passing === null && zoo.test(path);
  return {
    rule: 'load.outside-roots', severity: cached ? 'info' : 'low', confidence: cached ? 0.1 : 0.4, at, because: [load], techniques: ['AML.T0010.003'],
    summary: `${quote(path)} was loaded from ${cached ? 'the cache of a model zoo' : passing ?? 'a folder'} that is outside every watched model folder: nobody saw how it came there`,
  };
}

export const newLoader = (event: Loading, path: string, sameUid: boolean): Suspicion => ({
  ...about(event), rule: 'load.new-loader', severity: 'low', confidence: 0.4, techniques: ['AML.T0011.000'],
  summary: `${who(loaderOf(event))} ${did(event)} ${quote(path)}, which ${sameUid ? 'this executable' : 'this user'} never loaded before, though others did`,
});

type Access = NonNullable<Extract<EventOf<'mxnet.called'>['argument'], { readonly type: 'path' }>['access']>;

/** Why somebody else may exchange the file, in words. */
export function openness(access: Access, loader: Process): readonly string[] {
  const why: string[] = [];
  if ((access.mode & 0o002) !== 0) why.push(`every user may write to it (mode ${access.mode.toString(8)})`);
  if (access.openFolder !== null) why.push(`other users may write to its folder ${quote(access.openFolder)}`);
  if (access.uid !== 0 && access.uid !== loader.uid) why.push(`it belongs to uid ${access.uid}, who is neither root nor the loader`);
  return why;
}

export const writable = (event: EventOf<'mxnet.called'>, path: string, why: readonly string[]): Suspicion => ({
  ...about(event), rule: 'load.world-writable', severity: 'low', confidence: 0.4, techniques: ['T1222.002', 'AML.T0010.003'],
  summary: `${who(event.process)} loaded ${quote(path)}, which others can exchange: ${why.join('; ')}`,
});

/** What is different between two states of a file, for people. */
export function difference(before: FileIdentity | null, now: FileIdentity): string {
  if (before === null) return 'its identity is another';
  if (before.device !== now.device || before.inode !== now.inode) return `another file lies there now, ${now.size} bytes after ${before.size}`;
  if (before.size !== now.size) return `${now.size} bytes after ${before.size}`;
  return before.mtimeNs === now.mtimeNs ? 'only its change time is another: its attributes were changed, or its times were forged' : 'its bytes were written again';
}
