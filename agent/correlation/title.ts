import type { Chapter } from '../contract/incident.ts';
import type { Process } from '../contract/process.ts';
import { rank } from './severity.ts';
import { fileNameOf } from './subject.ts';

const most = 3;

/**
 * One sentence: what was loaded, by whom, how it had come there, what the process did. For an artifact that nobody has
 * loaded yet, and for the host, the gravest finding's own sentence.
 */
export function titleOf(path: string | null, loader: Process | null, story: readonly Chapter[]): string {
  const findings = story.flatMap(chapter => chapter.type === 'finding' ? [chapter.finding] : []);
  const gravest = findings.toSorted((a, b) => rank(b.severity) - rank(a.severity))[0];
  if (loader === null) return gravest?.summary ?? 'Something was noticed';
  const who = `${fileNameOf(loader.executable.path)} [${loader.pid}]`;
  const calls = story.flatMap(chapter => chapter.type === 'event' && chapter.event.kind === 'mxnet.called' ? [chapter.event] : []);
  const crashed = calls.find(call => call.outcome === 'crashed');
  const failed = calls.length > 0 && calls.every(call => call.outcome !== 'ok');
  const what = path === null ? calls.length > 0 ? 'A model from memory' : null : `${fileNameOf(path)}${changed(story, path)}`;
  const did = deeds(story, loader.pid);
  const then = did.length > 0 ? `, which then ${did.join(', ')}` : '';
  if (crashed && what !== null) return `${what} crashed ${who} while it was loaded${then}`;
  if (failed && what !== null) return `${what} was refused when ${who} loaded it${then}`;
  if (what !== null) return `${what} was loaded by ${who}${then || (gravest ? `: ${gravest.summary}` : '')}`;
  return gravest?.summary ?? `${who} was noticed`;
}

function changed(story: readonly Chapter[], path: string): string {
  const change = story.findLast(chapter => chapter.type === 'event' && chapter.event.kind === 'file.changed' && chapter.event.place.path === path && chapter.event.change !== 'found');
  const load = story.find(chapter => chapter.type === 'event' && (chapter.event.kind === 'mxnet.called' || chapter.event.kind === 'file.opened'));
  if (change?.type !== 'event' || change.event.kind !== 'file.changed' || load?.type !== 'event') return '';
  const before = load.event.at - change.event.at;
  const by = change.event.by ? ` by ${fileNameOf(change.event.by.executable.path)} [${change.event.by.pid}]` : '';
  return before >= 0 ? `, ${change.event.change}${by} ${span(before)} before,` : '';
}

function deeds(story: readonly Chapter[], loader: number): string[] {
  const done: string[] = [];
  for (const chapter of story) {
    if (chapter.type !== 'event') continue;
    const { event } = chapter;
    if (event.kind === 'process.executed') done.push(`ran ${event.process.argv.length > 0 ? event.process.argv.join(' ').slice(0, 80) : event.process.executable.path}`);
    else if (event.kind === 'network.connected') done.push(event.direction === 'listen' ? `listened on port ${event.port}` : `connected to ${event.address}:${event.port}`);
    else if (event.kind === 'process.exited' && event.process.pid === loader && event.status && 'signal' in event.status) done.push(`died of ${event.status.signal}`);
  }
  const told = [...new Set(done)];
  return told.length > most ? [...told.slice(0, most), `and ${told.length - most} more`] : told;
}

export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
