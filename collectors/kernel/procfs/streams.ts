/** What the standard streams of a process lead to. */
import type { HostPaths } from '../../../agent/contract/component.ts';
import type { ProcessRef, Stream, Streams } from '../../../agent/contract/process.ts';
import { readLink } from './read.ts';
import { findSocket } from './sockets.ts';
import { statusOf } from './status.ts';

/**
 * Null when the process is gone, another one by now, or may not be looked at. Costs three links, and the tables of sockets
 * where one is a socket, as long as `maySearch` allows.
 */
export function streamsOf(host: HostPaths, { pid, startTicks }: ProcessRef, maySearch: () => boolean): Streams | null {
  const folder = `${host.proc}/${pid}`;
  const links = [0, 1, 2].map(number => readLink(`${folder}/fd/${number}`));
  // Closed streams look like a process that is gone.
  if (statusOf(host, pid)?.startTicks !== startTicks || (links.every(link => link === null) && readLink(`${folder}/exe`) === null)) return null;
  const sockets = new Map<string, Stream>();
  const [input = null, output = null, errors = null] = links.map(link => streamOf(folder, link, sockets, maySearch));
  return [input, output, errors];
}

const terminals = /^\/dev\/(pts\/\d+|tty\w*|console|hvc\d+|ptmx)$/;

function streamOf(folder: string, link: string | null, sockets: Map<string, Stream>, maySearch: () => boolean): Stream {
  if (link === null) return null;
  const inode = /^socket:\[(\d{1,20})\]$/.exec(link)?.[1];
  if (inode !== undefined) {
    const known = sockets.get(inode) ?? { type: 'socket', ...maySearch() ? findSocket(folder, inode) : { family: null, peer: null } };
    sockets.set(inode, known);
    return known;
  }
  if (/^pipe:\[\d+\]$/.test(link)) return { type: 'pipe' };
  if (terminals.test(link)) return { type: 'terminal' };
  return { type: link.startsWith('/') ? 'file' : 'other' };
}
