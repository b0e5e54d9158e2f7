import type { HostIdentity } from '../../agent/contract/component.ts';
import type { Event } from '../../agent/contract/event.ts';
import type { Chapter, Incident } from '../../agent/contract/incident.ts';
import { evidenceOf, fileOf } from './evidence.ts';
import type { Evidence, Observable } from './ocsf-schema.ts';

const eventsOf = (story: readonly Chapter[]): Event[] => story.flatMap(chapter => (chapter.type === 'event' ? [chapter.event] : []));

/** The facts of the story in its order. */
export const evidencesOf = (story: readonly Chapter[]): Evidence[] => eventsOf(story).flatMap(event => evidenceOf(event) ?? []);

/** The file the incident is about, with what its story says of owner, mode and last writer. */
export function artifactEvidence({ artifact, story }: Incident): Evidence[] {
  if (artifact === null) return [];
  const events = eventsOf(story);
  const change = events.findLast(event => event.kind === 'file.changed' && event.place.path === artifact.place.path);
  const load = events.findLast(event => event.kind === 'mxnet.called' && event.argument.type === 'path' && event.argument.place?.path === artifact.place.path);
  const loaded = load?.kind === 'mxnet.called' && load.argument.type === 'path' ? load.argument.access : null;
  const changed = change?.kind === 'file.changed' ? change : null;
  return [{ name: 'model artifact', file: fileOf({ ...artifact, access: loaded ?? changed?.access, modifier: changed?.by }) }];
}

/** One searches for a whole value or not at all: longer ones stay in the evidence only, and crowd out nothing. */
const maxValue = 512;
const maxObservables = 100;

/** What an analyst would search for elsewhere, each once. */
export function observablesOf(host: HostIdentity, evidences: readonly Evidence[]): Observable[] {
  const seen = new Map<string, Observable>();
  const add = (name: string, [type_id, type]: readonly [Observable['type_id'], Observable['type']], value: string | undefined): void => {
    const key = `${type_id} ${value}`;
    if (value === undefined || value === '' || value.length > maxValue || seen.has(key) || seen.size >= maxObservables) return;
    seen.set(key, { name, type_id, type, value });
  };
  add('device.hostname', [1, 'Hostname'], host.name);
  for (const { file, process, dst_endpoint } of evidences) {
    for (const { value } of file?.hashes ?? []) add('evidences[].file.hashes[].value', [8, 'Hash'], value);
    add('evidences[].file.path', [45, 'File Path'], file?.path);
    add('evidences[].dst_endpoint.ip', [2, 'IP Address'], dst_endpoint?.ip);
    add('evidences[].process.name', [9, 'Process Name'], process?.name);
    add('evidences[].process.cmd_line', [13, 'Command Line'], process?.cmd_line);
  }
  return [...seen.values()];
}
