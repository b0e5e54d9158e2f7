import type { Event } from '../../agent/contract/event.ts';
import type { Incident } from '../../agent/contract/incident.ts';
import type { Process, ProcessRef } from '../../agent/contract/process.ts';
import { zeroOf } from './story.ts';
import { ranProcess, safeText, sinceText } from './words.ts';

interface Node { label: string; parent: string | null; readonly children: string[]; readonly remarks: string[] }

const mostNodes = 200;
const deepest = 30;
const mostRemarks = 4;
const lineLimit = 300;

const key = ({ pid, startTicks }: ProcessRef): string => `${pid}:${startTicks}`;

/**
 * The processes an incident speaks of as lines of a tree, ancestors first: what each ran, loaded, reached, and how it
 * ended. Safe to print; at most 200 processes and 30 levels, what is left out is said.
 */
export function processTree(incident: Incident): string[] {
  const nodes = new Map<string, Node>();
  const zero = zeroOf(incident);
  let leftOut = 0;

  function node(ref: ProcessRef, label: string): Node | null {
    const known = nodes.get(key(ref));
    if (known) return known;
    if (nodes.size >= mostNodes) { leftOut += 1; return null; }
    const made: Node = { label, parent: null, children: [], remarks: [] };
    nodes.set(key(ref), made);
    return made;
  }

  function place(process: Process, remark: string | null) {
    const own = node(process, '');
    if (!own) return;
    own.label = ranProcess(process);
    if (remark !== null && own.remarks.length < mostRemarks) own.remarks.push(remark);
    let below = key(process);
    for (const ancestor of process.ancestors) {
      const above = node(ancestor, `${ancestor.path} [${ancestor.pid}]`);
      const child = nodes.get(below);
      if (!above || !child || key(ancestor) === below) return;
      child.parent ??= key(ancestor);
      below = key(ancestor);
    }
  }

  if (incident.loader) place(incident.loader, null);
  for (const chapter of incident.story) {
    if (chapter.type !== 'event') continue;
    const spoken = speak(chapter.event);
    if (spoken) place(spoken.process, `${spoken.remark} ${sinceText(chapter.event.at - zero)}`);
    else if (chapter.event.kind === 'process.exited') nodes.get(key(chapter.event.process))?.remarks.push(`ended ${sinceText(chapter.event.at - zero)}`);
  }
  for (const [name, { parent }] of nodes) if (parent !== null && !isLoop(nodes, name)) nodes.get(parent)?.children.push(name);
  const lines = [...nodes].filter(([name, { parent }]) => parent === null || isLoop(nodes, name)).flatMap(([name]) => draw(nodes, name, '', '', 0));
  return leftOut > 0 ? [...lines, `and ${leftOut} more processes`] : lines;
}

function speak(event: Event): { process: Process; remark: string } | null {
  switch (event.kind) {
    case 'mxnet.called': return { process: event.process, remark: event.outcome === 'ok' ? 'loaded' : `load ${event.outcome}` };
    case 'process.executed': return { process: event.process, remark: 'ran' };
    case 'network.connected': return { process: event.process, remark: `${event.direction === 'listen' ? 'listened on' : 'reached'} ${event.address} port ${event.port}` };
    case 'file.changed': return event.by && { process: event.by, remark: `${event.change} ${event.place.path}` };
    case 'file.opened': return { process: event.by, remark: `opened ${event.place.path}` };
    case 'mxnet.mapped': return { process: event.process, remark: 'mapped MXNet' };
    default: return null;
  }
}

/** Parents are what events say: a forged or mistaken one must not make a circle. */
function isLoop(nodes: ReadonlyMap<string, Node>, start: string): boolean {
  let above = nodes.get(start)?.parent ?? null;
  for (let steps = 0; above !== null && steps <= nodes.size; steps++) {
    if (above === start) return true;
    above = nodes.get(above)?.parent ?? null;
  }
  return above !== null;
}

function draw(nodes: ReadonlyMap<string, Node>, name: string, first: string, rest: string, depth: number): string[] {
  const node = nodes.get(name);
  if (!node) return [];
  const remarks = node.remarks.length > 0 ? `  ${node.remarks.join(', ')}` : '';
  const line = safeText(`${first}${node.label}${remarks}`, lineLimit);
  if (depth >= deepest && node.children.length > 0) return [line, `${rest}…`];
  return [line, ...node.children.flatMap((child, index) => {
    const last = index === node.children.length - 1;
    return draw(nodes, child, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`, depth + 1);
  })];
}
