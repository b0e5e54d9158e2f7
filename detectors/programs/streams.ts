import type { EventOf } from '../../agent/contract/event.ts';
import type { Stream, Streams } from '../../agent/contract/process.ts';
import { quote } from '../context/wording.ts';

/** How a program hangs on a socket. `whole`: what it reads and what it writes; else only what it reads. */
export interface Hanging { readonly whole: boolean; readonly words: string }

type Socket = Extract<Stream, { readonly type: 'socket' }>;

/**
 * Sockets inside the machine are what asyncio and libuv give their children, so they say nothing. Nor does one whose kind
 * could not be found in time: on a busy machine that is mostly such a one.
 */
const isRemote = (stream: Stream): stream is Socket => stream?.type === 'socket' && stream.family !== 'unix' && stream.family !== null;

/** Null for files, pipes and terminals, unless the terminal is one that the parent passes on from a socket. */
export function hanging({ streams, parentStreams }: EventOf<'process.executed'>): Hanging | null {
  const own = onSocket(streams);
  if (own !== null) return { whole: own.whole, words: `its ${own.whole ? 'input and output are' : 'input is'} ${peerWords(own.input)}` };
  const above = isOnTerminal(streams) ? onSocket(parentStreams) : null;
  return above?.whole === true ? { whole: true, words: `it is on a terminal of its parent, whose input and output are ${peerWords(above.input)}` } : null;
}

function onSocket(streams: Streams | null | undefined): { readonly whole: boolean; readonly input: Socket } | null {
  const [input = null, output = null] = streams ?? [];
  return isRemote(input) ? { whole: isRemote(output), input } : null;
}

const isOnTerminal = (streams: Streams | null | undefined): boolean => streams?.[0]?.type === 'terminal' && streams[1]?.type === 'terminal';

const peerWords = ({ peer }: Socket): string => `a socket${peer === null ? '' : ` to ${quote(peer.address, 64)} port ${peer.port}`}`;
